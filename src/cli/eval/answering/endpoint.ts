import type { Wire } from "./wires/wire.ts";

/** A model of others, behind an API of OpenAI's form. */
export interface Endpoint {
  /** What its column is called. */
  readonly name: string;
  /** Ends before `/chat/completions` or `/responses`, without a slash. */
  readonly url: string;
  readonly model: string;
  readonly wire: Wire["name"];
  /** Absent: asked without one. */
  readonly apiKey: string | undefined;
  /** Tokens of an answer; absent: as many as our canvas has positions. */
  readonly maxTokens: number | undefined;
  /** Whether the tokens' probabilities are asked for, whose mean is the answer's confidence. */
  readonly asksLogprobs: boolean;
  /** Micro-dollars for a million tokens; absent: what it costs is not told. */
  readonly price: TokenPrice | undefined;
}

export interface TokenPrice {
  readonly input: number;
  readonly output: number;
}

const MILLION = 1_000_000;

/** What so many tokens cost, in micro-dollars, rounded to the nearest. */
export function tokenCost(price: TokenPrice, tokens: TokenCount): number {
  return Math.round((tokens.input * price.input + tokens.output * price.output) / MILLION);
}

export interface TokenCount {
  readonly input: number;
  readonly output: number;
}

/** What befalls every question that this endpoint is asked: a wrong address, key or model, or nobody there. */
export class EndpointFault extends Error {
  override readonly name = "EndpointFault";
}
