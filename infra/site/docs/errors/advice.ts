import type { Failure } from "#domain/failure.ts";

/** What a page of the catalogue says of a code, in Markdown. */
export interface Advice {
  readonly happened: string;
  readonly todo: string;
  /** The path of the request that the page shows as refused; absent: `/v1/answers`. */
  readonly at?: string;
}

/** Of each of some codes. A code that lacks it does not compile. */
export type AdviceOf<Kind extends Failure["kind"]> = Readonly<Record<Kind, Advice>>;

/** Codes that say what is wrong with a picture. */
export type PictureKind = Extract<Failure["kind"], `image${string}`>;

/** Codes that say what happened while an answer was made. */
export type MakingKind = Extract<
  Failure["kind"],
  | `weights_${string}`
  | `device_${string}`
  | `function_${string}`
  | "answer_restarted"
  | "draining"
  | "empty_answer"
  | "internal"
  | "logits_not_finite"
  | "overloaded"
  | "ticket_refused"
>;

/** Codes that say what is wrong with a request: who asks, what, how often, for how much. */
export type AskingKind = Exclude<Failure["kind"], PictureKind | MakingKind>;
