import type {
  Experimental_DecisionModel,
  Experimental_DecisionQuestion,
  Experimental_ExtractionField,
  Experimental_ExtractionModel,
} from "ai";
import type { Ask } from "../ask.ts";
import type { ClientOptions } from "../send.ts";

// The AI SDK's contracts, as `ai` exports them: they are experimental, and may change in patch releases. Built against ai 7.0.173.

export type DecisionModel = Extract<
  Exclude<Experimental_DecisionModel, string>,
  { doDecide: unknown }
>;
export type DecisionCall = Parameters<DecisionModel["doDecide"]>[0];
export type DecisionOutcome = Awaited<ReturnType<DecisionModel["doDecide"]>>;
export type DecisionAnswer = DecisionOutcome["answers"][string];
export type DecisionQuestion = Experimental_DecisionQuestion;

export type ExtractionModel = Experimental_ExtractionModel;
export type ExtractionCall = Parameters<ExtractionModel["doExtract"]>[0];
export type ExtractionOutcome = Awaited<ReturnType<ExtractionModel["doExtract"]>>;
export type ExtractionAnswer = ExtractionOutcome["answers"][string];
export type ExtractionField = Experimental_ExtractionField;

export type Call = DecisionCall | ExtractionCall;
export type Warning = DecisionOutcome["warnings"][number];

/** How the service is reached. It is asked again where that may help, by itself and charged once: `retries`, not the AI SDK's `maxRetries`. */
export type ProviderSettings = ClientOptions;

/** `providerOptions.unmask`: the options of an answer request by their own names, such as `abstain_below`, `max_price_micros` and `mode`. */
export interface UnmaskOptions
  extends Omit<Ask, "fields" | "images" | "messages" | "model" | "question"> {
  /** Of extraction, by field: what the service's fields have and the AI SDK's have not. */
  readonly fields?: Readonly<Record<string, FieldExtras>>;
}

/** What a field may be besides what the AI SDK says of it; of a list `max_items`, and the others of each item. */
export interface FieldExtras {
  /** Of a number or a duration: what it is within. */
  readonly minimum?: number;
  readonly maximum?: number;
  /** Of a text: room for it. */
  readonly max_tokens?: number;
  readonly max_items?: number;
  /** Of a time. */
  readonly seconds?: boolean;
}
