import type { TestMessage } from "../../files/test-question.ts";
import type { TokenCount } from "../endpoint.ts";

/** A question as it goes to an endpoint. */
export interface WireQuestion {
  readonly model: string;
  readonly messages: readonly TestMessage[];
  /** Data URIs, which stand before the text of the user's first message. */
  readonly pictures: readonly string[];
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly asksLogprobs: boolean;
  /** Parameters that this endpoint has refused, and are left out or called otherwise. */
  readonly refused: ReadonlySet<string>;
}

/** What came back. */
export interface WireAnswer {
  readonly text: string;
  /** Whether it ends because its tokens were used up. */
  readonly isCut: boolean;
  /** Why the model or its filter says no; undefined where it does not. */
  readonly refusal: "content_filter" | "refusal" | undefined;
  /** Natural logarithms of its tokens' probabilities; empty where nobody tells. */
  readonly logprobs: readonly number[];
  readonly tokens: TokenCount | undefined;
}

/** A form in which questions are put to models over HTTP. */
export interface Wire {
  readonly name: "chat" | "responses";
  /** What stands behind the endpoint's address. */
  readonly path: string;
  /** The body of a question, to be written as JSON. */
  bodyOf(question: WireQuestion): unknown;
  /** Reads a reply; undefined where it is none of this form. */
  answerOf(reply: unknown): WireAnswer | undefined;
}

/** A member of what somebody else sent; undefined where it is no object or has none. */
export function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

/** A list of what somebody else sent; empty where it is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Counts of tokens under those names; undefined where either is no whole number. */
export function tokensOf(usage: unknown, input: string, output: string): TokenCount | undefined {
  const [taken, given] = [memberOf(usage, input), memberOf(usage, output)];
  return isCount(taken) && isCount(given) ? { input: taken, output: given } : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
