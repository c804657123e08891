import type { Options } from "minisearch";

/** A part of a page that is found by itself. */
export interface SearchEntry {
  /** Address with fragment. */
  readonly id: string;
  /** The page's title. */
  readonly title: string;
  /** The part's heading; empty for the page itself. */
  readonly heading: string;
  readonly text: string;
}

/** How the index is made when the site is built, and read in the browser: both must say the same. */
export const searchOptions: Options<SearchEntry> = {
  fields: ["title", "heading", "text"],
  storeFields: ["title", "heading"],
  // Codes and field names are found whole and by their words.
  tokenize: (text) => text.match(/[\p{L}\p{N}]+(?:_[\p{L}\p{N}]+)*/gu) ?? [],
  processTerm: (term) => {
    const lower = term.toLowerCase();
    return lower.includes("_") ? [lower, ...lower.split("_")] : lower;
  },
  searchOptions: {
    boost: { title: 4, heading: 2 },
    prefix: (term) => term.length > 1,
    fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    combineWith: "AND",
  },
};
