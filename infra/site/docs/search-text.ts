import MiniSearch from "minisearch";
import { type SearchEntry, searchOptions } from "#playground/docs/search-index.ts";
import { withoutComments } from "./code-blocks.ts";
import type { RenderedPage } from "./markdown.ts";
import { type DocsPage, plain } from "./page.ts";

/**
 * The index that the browser searches, as JSON: an entry for each page and for each part of a document that has a heading. The
 * headings of pages that are made from code are the same on all of them, and lead nobody.
 */
export function searchIndexText(
  pages: readonly { readonly page: DocsPage; readonly rendered: RenderedPage }[],
): string {
  const index = new MiniSearch<SearchEntry>(searchOptions);
  index.addAll(pages.flatMap(({ page, rendered }) => entriesOf(page, rendered)));
  return JSON.stringify(index);
}

function entriesOf(page: DocsPage, { headings }: RenderedPage): readonly SearchEntry[] {
  const prose = withoutComments(page.markdown).replace(/^```[\s\S]*?^```$/gm, "");
  const [first = "", ...parts] = prose.split(/^#{2,6} .+$/m);
  const { path, title, source } = page;
  if (source === undefined)
    return [{ id: path, title, heading: "", text: `${plain(prose)} ${path}` }];
  const known = new Set<string>([path]);
  return [
    { id: path, title, heading: "", text: `${plain(first)} ${path}` },
    ...parts.flatMap((part, index): readonly SearchEntry[] => {
      const heading = headings[index];
      if (heading === undefined || known.has(heading.id)) return [];
      known.add(heading.id);
      return [{ id: `${path}#${heading.id}`, title, heading: heading.text, text: plain(part) }];
    }),
  ];
}
