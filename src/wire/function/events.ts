import * as z from "zod";
import { type AnswerEvent, commitReasons } from "#domain/event.ts";
import { FIELD_LIMITS } from "#domain/fields.ts";
import { MAX_NUMERICS_LENGTH } from "#domain/numerics.ts";
import type { Usage } from "#domain/question.ts";
import { abstentionReasons, type TrustTerms } from "#domain/trust.ts";
import { decodeSse, type SseMessage } from "../codec/sse.ts";
import { failureSchema } from "../failure.ts";
import { MAX_ALTERNATIVES, MAX_CANVAS, MAX_NAME_LENGTH } from "../limits.ts";
import type { UsageBody } from "./event-messages.ts";
import { readFieldSchema } from "./reading/read-field.ts";
import { FIRST_DECODER_VERSION } from "./replay-digest.ts";

/** The stream is not one answer told from start to end. */
export class AnswerStreamError extends Error {
  override readonly name = "AnswerStreamError";
}

/**
 * Reads a function's reply to its end and holds it to the story: started, frames with rising steps, then completed,
 * partial or failed; failed or partial may come at once. Throws AnswerStreamError where the function tells anything else or stops in the middle,
 * SseFormatError beyond the format's limits. Leaving the loop cancels the stream.
 */
export async function* readAnswerEvents(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<AnswerEvent, void, undefined> {
  let lastStep: number | undefined;
  for await (const message of decodeSse(stream)) {
    const event = parseEvent(message);
    const isStart = event.kind === "answer.started";
    const mayComeAlone = event.kind === "answer.failed" || event.kind === "answer.partial";
    if (!mayComeAlone && isStart === (lastStep !== undefined))
      throw new AnswerStreamError(`${event.kind} out of place`);
    if (event.kind === "answer.frame" && event.step <= (lastStep ?? 0))
      throw new AnswerStreamError(`step ${event.step} after step ${lastStep}`);
    lastStep = event.kind === "answer.frame" ? event.step : (lastStep ?? 0);
    yield event;
    if (isEnd(event)) return;
  }
  throw new AnswerStreamError("the stream ended before the answer did");
}

/** Whether an event is the last of its answer. */
export function isEnd(
  event: AnswerEvent,
): event is Exclude<AnswerEvent, { kind: "answer.started" | "answer.frame" }> {
  return event.kind !== "answer.started" && event.kind !== "answer.frame";
}

function parseEvent({ event, data }: SseMessage): AnswerEvent {
  const schema = schemas.get(event);
  if (schema === undefined) throw new AnswerStreamError(`unknown event ${event.slice(0, 64)}`);
  let body: unknown;
  try {
    body = JSON.parse(data);
  } catch (cause) {
    throw new AnswerStreamError(`${event} is not JSON`, { cause });
  }
  const parsed = schema.safeParse(body);
  if (!parsed.success)
    throw new AnswerStreamError(`${event} has another shape`, { cause: parsed.error });
  return parsed.data;
}

const count = z.int().nonnegative();
const probability = z.number().min(0).max(1);
const step = z.int().min(1).max(MAX_CANVAS);

const position = count.max(MAX_CANVAS - 1);
// A token is a few characters; 256 leaves room for the longest entry of any vocabulary.
const text = z.string().max(256);

const tokenSchema = z.object({
  position,
  token: count,
  text,
  confidence: probability,
  step,
});

const revealedSchema = tokenSchema.extend({
  alternatives: z
    .array(z.object({ token: count, text, confidence: probability }))
    .min(1)
    .max(MAX_ALTERNATIVES)
    .exactOptional(),
});

const usageSchema: z.ZodType<UsageBody> = z.object({
  image_vectors: count,
  cached_image_vectors: count.exactOptional(),
  prompt_length: count,
  canvas: count.max(MAX_CANVAS),
  steps: count.max(MAX_CANVAS),
  forward_passes: count,
  refreshes: count,
  rows: count,
});

// Sentences are the manifest's, which the function has checked; here they are only held to a size.
const trustSchema: z.ZodType<TrustTerms> = z.object({
  calibration: z
    .object({
      temperature: z.number().positive(),
      shift: z.number(),
      domain: z
        .object({ weight: z.number().nonnegative(), limit: z.number().positive() })
        .exactOptional(),
    })
    .exactOptional(),
  abstention: z
    .object({ sentences: z.array(z.string().max(512)).max(64), below: probability })
    .exactOptional(),
});

const readFields = z.array(readFieldSchema).min(1).max(FIELD_LIMITS.fields);

/** Finite: JSON has no other numbers. */
const domainScore = z.number().exactOptional();

const answered = {
  answer: z.string().max(MAX_CANVAS * 256),
  confidence: probability,
  domain_score: domainScore,
  abstention: z.enum(abstentionReasons).exactOptional(),
  tokens: z.array(tokenSchema).max(MAX_CANVAS),
  fields: readFields.exactOptional(),
  usage: usageSchema.transform(
    (usage): Usage => ({
      imageVectors: usage.image_vectors,
      ...cachedVectors(usage),
      promptLength: usage.prompt_length,
      canvas: usage.canvas,
      steps: usage.steps,
      forwardPasses: usage.forward_passes,
      refreshes: usage.refreshes,
      rows: usage.rows,
    }),
  ),
};

function cachedVectors({
  cached_image_vectors: count,
}: {
  readonly cached_image_vectors?: number;
}): Pick<Usage, "cachedImageVectors"> {
  return count === undefined ? {} : { cachedImageVectors: count };
}

function scored<Body extends { readonly domain_score?: number }>({
  domain_score,
  ...rest
}: Body): Omit<Body, "domain_score"> & { readonly domainScore?: number } {
  return { ...rest, ...(domain_score === undefined ? {} : { domainScore: domain_score }) };
}

const schemas: ReadonlyMap<string, z.ZodType<AnswerEvent>> = new Map<
  AnswerEvent["kind"],
  z.ZodType<AnswerEvent>
>([
  [
    "answer.started",
    z
      .object({
        image_vectors: count,
        cached_image_vectors: count.exactOptional(),
        prompt_length: count,
        canvas: count,
        steps: count,
        // A function of before says none.
        numerics: z.string().max(MAX_NUMERICS_LENGTH).nullable().default(null),
        trust: trustSchema.exactOptional(),
      })
      .transform((body) => ({
        kind: "answer.started",
        ...(body.numerics === null ? {} : { numerics: body.numerics }),
        imageVectors: body.image_vectors,
        ...cachedVectors(body),
        promptLength: body.prompt_length,
        canvas: body.canvas,
        steps: body.steps,
        ...(body.trust === undefined ? {} : { trust: body.trust }),
      })),
  ],
  [
    "answer.frame",
    z
      .object({
        step,
        reason: z.enum(commitReasons).default("schedule"),
        refreshed: z.boolean().default(true),
        rows: count.exactOptional(),
        revealed: z.array(revealedSchema).max(MAX_CANVAS),
        // A function of the version before has none of these: its frames tell callers nothing, its end does.
        revised: z.array(z.object({ position, text })).max(MAX_CANVAS).default([]),
        stable_until: count,
        turn_end: position.nullable().default(null),
        has_text: z.boolean().default(false),
        domain_score: domainScore,
        fields: readFields.exactOptional(),
      })
      .transform((body) => ({
        kind: "answer.frame",
        step: body.step,
        reason: body.reason,
        refreshed: body.refreshed,
        ...(body.rows === undefined ? {} : { rows: body.rows }),
        revealed: body.revealed,
        stableUntil: body.stable_until,
        hasText: body.has_text,
        ...(body.revised.length === 0 ? {} : { revised: body.revised }),
        ...(body.turn_end === null ? {} : { turnEnd: body.turn_end }),
        ...(body.domain_score === undefined ? {} : { domainScore: body.domain_score }),
        ...(body.fields === undefined ? {} : { fields: body.fields }),
      })),
  ],
  [
    "answer.completed",
    z
      .object({
        ...answered,
        digest: z.string().regex(/^[0-9a-f]{64}$/),
        // A function of the first version does not say so.
        decoder: z.string().max(MAX_NAME_LENGTH).default(FIRST_DECODER_VERSION),
      })
      .transform((body) => ({ kind: "answer.completed", ...scored(body) })),
  ],
  [
    "answer.partial",
    z.object(answered).transform((body) => ({ kind: "answer.partial", ...scored(body) })),
  ],
  [
    "answer.failed",
    z
      .object({ failure: failureSchema })
      .transform(({ failure }) => ({ kind: "answer.failed", failure })),
  ],
]);
