import type { KeptFormat } from "./response-format.ts";

/** What a response was asked with beside its question: kept with its answer, to be told with it. */
export interface ResponseTerms {
  readonly metadata: Readonly<Record<string, string>>;
  /** The response that it goes on from, as it was named. */
  readonly previousId: string | null;
  /** Whether the first message of its question is its instructions, which the next response does not take over. */
  readonly hasInstructions: boolean;
  readonly isBackground: boolean;
  /** The ceiling as it was sent. */
  readonly maxOutputTokens: number | null;
  readonly temperature: number;
  /** How its value is written. Absent: it is words. */
  readonly format?: KeptFormat;
}

/** Of an answer that was asked through another API. */
export const untoldTerms: ResponseTerms = {
  metadata: {},
  previousId: null,
  hasInstructions: false,
  isBackground: false,
  maxOutputTokens: null,
  temperature: 0,
};
