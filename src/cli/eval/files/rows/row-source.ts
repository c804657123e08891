import type { Members, RowFault } from "../test-question.ts";

/** The rows of a file, whatever its form; each reading starts at the first one. */
export interface RowSource {
  /** What one of them is called to its author. */
  readonly unit: "line" | "row";
  /** Whether a cell is text whatever it means, as in tables: lists are then written out in it, and an empty one is absent. */
  readonly isText: boolean;
  rows(): AsyncIterable<SourceRow>;
}

/** A row, or what is wrong with it. */
export type SourceRow =
  | { readonly number: number; readonly members: Members }
  | { readonly number: number; readonly fault: RowFault };

/** Threat: a row that never ends fills the memory. Eight pictures of 16 MiB, as base64, have 171 MiB; a page of text has a thousandth. */
export const MAX_ROW_BYTES: number = 192 * 1024 * 1024;
