import type { Metric } from "../scoring/metrics.ts";

/** One question of a test set, checked. */
export interface TestQuestion {
  /** As the file names it; else the number of its row. */
  readonly id: string;
  /** Line or row that it stands in, from 1. */
  readonly row: number;
  readonly pictures: readonly TestPicture[];
  /** Ends with the user's. Choices are listed in it. */
  readonly messages: readonly TestMessage[];
  /** The same as the file has them: no choices were listed in them, and nothing was written behind, as protocols do. */
  readonly bareMessages: readonly TestMessage[];
  /** At least one. */
  readonly expected: readonly string[];
  readonly choices: readonly string[];
  readonly metric: Metric;
  readonly family: string;
  readonly canvas?: number;
  readonly steps?: number;
}

export type TestPicture =
  /** Absolute. */
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> };

export interface TestMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** A row as its file has it, by the names of its columns. */
export type Members = Readonly<Record<string, unknown>>;

/** What is wrong with a row, for its author. */
export class RowFault extends Error {
  override readonly name = "RowFault";
}
