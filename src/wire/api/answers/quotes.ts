import * as z from "zod";
import { fitToAbilities, type Warning } from "#domain/abilities.ts";
import type { Failure } from "#domain/failure.ts";
import { toNumber } from "#domain/micros.ts";
import type { AnswerOptions, ReadOrder } from "#domain/question.ts";
import type { Quote } from "#domain/quote.ts";
import { optionsToRead } from "#domain/reading/options-to-read.ts";
import { ok, type Result } from "#domain/result.ts";
import type { JsonBody } from "../../body/json-body.ts";
import { problemsOf } from "../../field-problems.ts";
import { type WarningBody, warningBodies, warningsSchema } from "../../warnings.ts";
import { answerRequestSchema, sizeRequestSchema } from "./answer-request.ts";
import { refuseFields, refuseShape } from "./conversation.ts";
import { fieldProblems, readFieldsOf } from "./fields/read-order.ts";
import { type AskedCard, optionProblems, optionsOf } from "./options.ts";
import { scoreRequestSchema } from "./scores/score-request.ts";

/** What is asked, known by its sizes alone. */
export interface SizeRequest {
  readonly model?: string;
  readonly pictures: readonly { readonly width: number; readonly height: number }[];
  readonly textBytes: number;
  readonly options: AnswerOptions;
  /** Absent: words are wanted. */
  readonly read?: ReadOrder;
  readonly warnings: readonly Warning[];
}

/** Body of a quote. */
export interface QuoteBody {
  readonly id: string;
  readonly object: "quote";
  readonly model: string;
  /** Names the card by which it was made: sent along with the question, it keeps the price. */
  readonly card: string;
  /** What a completed answer will be charged, in micro-dollars. */
  readonly price_micros: number;
  readonly image_vectors: number;
  readonly canvas: number;
  readonly steps: number;
  readonly forward_passes: number;
  /** Passes that are planned to compute the prompt too, and positions that all passes are planned to compute: its price is theirs. */
  readonly refreshes: number;
  readonly rows: number;
  /** `cold`: the weights are not loaded yet, and the first answer waits for them. */
  readonly weights: "warm" | "cold";
  /** RFC 3339, UTC. */
  readonly expires_at: string;
  /** What of the question the model was not trained for, or what would be left out of it. */
  readonly warnings: readonly WarningBody[];
}

/** Reads a body that gives a size; null for one that gives none, which is an answer request's. Refuses with `invalid_request`. */
export function readSizeRequest(
  sent: JsonBody,
  card: AskedCard,
): Result<SizeRequest | null, Failure> {
  const body = sent.parse();
  if (!body.ok) return body;
  if (!isSized(body.value)) return ok(null);
  const parsed = sizeRequestSchema.safeParse(body.value);
  if (!parsed.success) return refuseShape(problemsOf(parsed.error));
  const { width, height, model, question, text_bytes, ...fields } = parsed.data;
  const misplaced = fieldProblems(fields);
  if (misplaced.length > 0) return refuseFields(misplaced);
  const usual = optionsOf(fields, card);
  const problems = optionProblems(fields, usual, card);
  if (problems.length > 0) return refuseFields(problems);
  const read = readFieldsOf(fields, [{ role: "user", text: question ?? "" }], card);
  if (!read.ok) return read;
  const planned = read.value === undefined ? ok(usual) : optionsToRead(read.value, usual, card);
  if (!planned.ok) return planned;
  const options = planned.value;
  const texts = new TextEncoder().encode((question ?? "") + (fields.suffix ?? "")).length;
  return ok({
    ...(model === undefined ? {} : { model }),
    pictures: [{ width, height }],
    textBytes: text_bytes ?? texts,
    options,
    ...(read.value === undefined ? {} : { read: read.value }),
    warnings: fitToAbilities({ messages: [], pictures: 1, canvas: usual.canvas }, card.abilities)
      .warnings,
  });
}

function isSized(body: unknown): boolean {
  return typeof body === "object" && body !== null && ("width" in body || "height" in body);
}

/** Renders a quote. */
export function quoteBody(
  quote: Quote,
  about: {
    readonly id: string;
    readonly model: string;
    readonly card: string;
    readonly isWarm: boolean;
    /** Milliseconds since 1970. */
    readonly expiresAt: number;
    readonly warnings: readonly Warning[];
  },
): QuoteBody {
  return {
    id: about.id,
    object: "quote",
    model: about.model,
    card: about.card,
    price_micros: toNumber(quote.price),
    image_vectors: quote.imageVectors,
    canvas: quote.canvas,
    steps: quote.steps,
    forward_passes: quote.forwardPasses,
    refreshes: quote.refreshes,
    rows: quote.rows,
    weights: about.isWarm ? "warm" : "cold",
    expires_at: new Date(about.expiresAt).toISOString(),
    warnings: warningBodies(about.warnings),
  };
}

/** Schema of the JSON body, for the API's description. */
export const quoteRequestSchema: z.ZodType = z.union([
  sizeRequestSchema,
  answerRequestSchema,
  scoreRequestSchema,
]);

const count = z.int().nonnegative();

/** Schema of a quote, for the API's description and for tests that hold replies to it. */
export const quoteSchema: z.ZodType<QuoteBody> = z
  .strictObject({
    id: z.string(),
    object: z.literal("quote"),
    model: z.string(),
    card: z.string().meta({
      description:
        "Names the card by which it was made. Sent as card with the question, it is answered at this price or refused.",
    }),
    price_micros: count,
    image_vectors: count,
    canvas: count,
    steps: count,
    forward_passes: count,
    refreshes: count.meta({ description: "Passes that are planned to compute the prompt too." }),
    rows: count.meta({ description: "Positions that all passes are planned to compute." }),
    weights: z.enum(["warm", "cold"]),
    expires_at: z.iso.datetime(),
    warnings: warningsSchema,
  })
  .meta({ id: "Quote" });
