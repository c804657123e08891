import { z } from "zod";
import {
  type AnswerEvent,
  type AnswerFrame,
  type CanvasToken,
  type CommitReason,
  commitReasons,
} from "#domain/event.ts";
import type { Usage } from "#domain/question.ts";
import { decodeSse, type SseMessage } from "../codec/sse.ts";
import { failureSchema } from "../failure.ts";
import { MAX_CANVAS, MAX_NAME_LENGTH } from "../limits.ts";
import { FIRST_DECODER_VERSION } from "./replay-digest.ts";

/** Body of `answer.started`. */
export interface StartedBody {
  readonly image_vectors: number;
  readonly prompt_length: number;
  readonly canvas: number;
  readonly steps: number;
}

/** Body of `answer.frame`: what one step committed. */
export interface FrameBody {
  readonly step: number;
  /** Why it committed as much as it did: its `schedule`; more, by `entropy`; or all of a clear answer, `early`. */
  readonly reason: CommitReason;
  /** Nothing until it is certain that the answer is not empty; then everything up to here, each token with its own step. */
  readonly revealed: readonly TokenBody[];
  /** New texts of tokens that were told before: pieces of a UTF-8 character that is whole now. */
  readonly revised: readonly RevisedBody[];
  /** Mean confidence of `revealed`; 0 when the step committed nothing. */
  readonly mean_confidence: number;
  /** The text of the positions below this is final. */
  readonly stable_until: number;
  /** Position of the end of the turn, null before there is one: what stands behind it is no part of the answer. */
  readonly turn_end: number | null;
}

/** A token that reads otherwise than it was told. */
export interface RevisedBody {
  readonly position: number;
  readonly text: string;
}

/** One committed token with its place in the canvas. */
export interface TokenBody {
  readonly position: number;
  readonly token: number;
  readonly text: string;
  readonly confidence: number;
  readonly step: number;
}

/** How long a client waits before it connects again after a cut. */
const RETRY_MS = 1000;

/** The stream is not one answer told from start to end. */
export class AnswerStreamError extends Error {
  override readonly name = "AnswerStreamError";
}

/** Writes an event for the hop from function to edge; the ids `<answer>.<step>` count the start as 0 and the end as the step after the last. */
export function eventMessage(event: AnswerEvent, answerId: string): SseMessage {
  switch (event.kind) {
    case "answer.started":
      return progressMessage(event, answerId);
    case "answer.frame": {
      const { hasText, refreshed = true, rows } = event;
      const body = { ...frameBody(event), has_text: hasText === true, refreshed, rows };
      return bodyMessage(event.kind, body, `${answerId}.${event.step}`);
    }
    case "answer.completed":
    case "answer.partial": {
      const { kind, usage, ...rest } = event;
      const body = { ...rest, usage: usageBody(usage) };
      return bodyMessage(kind, body, `${answerId}.${usage.steps + 1}`);
    }
    case "answer.failed":
      // Without an id: a client that comes back asks for what follows the last frame it saw.
      return bodyMessage(event.kind, { failure: event.failure });
    default:
      return event satisfies never;
  }
}

/** Writes an event as callers are told it. */
export function progressMessage(
  event: Extract<AnswerEvent, { kind: "answer.started" | "answer.frame" }>,
  answerId: string,
): SseMessage {
  if (event.kind === "answer.started") {
    const body: StartedBody = {
      image_vectors: event.imageVectors,
      prompt_length: event.promptLength,
      canvas: event.canvas,
      steps: event.steps,
    };
    return { ...bodyMessage(event.kind, body, `${answerId}.0`), retry: RETRY_MS };
  }
  return bodyMessage(event.kind, frameBody(event), `${answerId}.${event.step}`);
}

function frameBody(frame: AnswerFrame): FrameBody {
  const { step, reason = "schedule", revealed, revised = [], stableUntil, turnEnd } = frame;
  return {
    step,
    reason,
    revealed,
    revised,
    mean_confidence: meanConfidence(revealed),
    stable_until: stableUntil,
    turn_end: turnEnd ?? null,
  };
}

/** Writes an event with any body. */
export function bodyMessage(kind: AnswerEvent["kind"], body: object, id?: string): SseMessage {
  return { event: kind, data: JSON.stringify(body), ...(id === undefined ? {} : { id }) };
}

function meanConfidence(tokens: readonly CanvasToken[]): number {
  return tokens.reduce((sum, { confidence }) => sum + confidence, 0) / Math.max(1, tokens.length);
}

/** The counts of an answer as they are written on the function's hop. */
function usageBody(usage: Usage): z.input<typeof usageSchema> {
  return {
    image_vectors: usage.imageVectors,
    prompt_length: usage.promptLength,
    canvas: usage.canvas,
    steps: usage.steps,
    forward_passes: usage.forwardPasses,
    refreshes: usage.refreshes,
    rows: usage.rows,
  };
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

const usageSchema = z.object({
  image_vectors: count,
  prompt_length: count,
  canvas: count.max(MAX_CANVAS),
  steps: count.max(MAX_CANVAS),
  forward_passes: count,
  refreshes: count,
  rows: count,
});

const answered = {
  answer: z.string().max(MAX_CANVAS * 256),
  confidence: probability,
  tokens: z.array(tokenSchema).max(MAX_CANVAS),
  usage: usageSchema.transform(
    (usage): Usage => ({
      imageVectors: usage.image_vectors,
      promptLength: usage.prompt_length,
      canvas: usage.canvas,
      steps: usage.steps,
      forwardPasses: usage.forward_passes,
      refreshes: usage.refreshes,
      rows: usage.rows,
    }),
  ),
};

const schemas: ReadonlyMap<string, z.ZodType<AnswerEvent>> = new Map<
  AnswerEvent["kind"],
  z.ZodType<AnswerEvent>
>([
  [
    "answer.started",
    z
      .object({ image_vectors: count, prompt_length: count, canvas: count, steps: count })
      .transform((body) => ({
        kind: "answer.started",
        imageVectors: body.image_vectors,
        promptLength: body.prompt_length,
        canvas: body.canvas,
        steps: body.steps,
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
        revealed: z.array(tokenSchema).max(MAX_CANVAS),
        // A function of the version before has none of these: its frames tell callers nothing, its end does.
        revised: z.array(z.object({ position, text })).max(MAX_CANVAS).default([]),
        stable_until: count,
        turn_end: position.nullable().default(null),
        has_text: z.boolean().default(false),
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
      .transform((body) => ({ kind: "answer.completed", ...body })),
  ],
  ["answer.partial", z.object(answered).transform((body) => ({ kind: "answer.partial", ...body }))],
  [
    "answer.failed",
    z
      .object({ failure: failureSchema })
      .transform(({ failure }) => ({ kind: "answer.failed", failure })),
  ],
]);
