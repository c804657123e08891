import type { CanvasToken } from "#domain/answer-text.ts";
import {
  type AnswerBeginning,
  type AnswerEvent,
  type AnswerRestarted,
  type AnswerStarted,
  type CommitReason,
  placeInStream,
} from "#domain/event.ts";
import type { NumericsText } from "#domain/numerics.ts";
import type { Usage } from "#domain/question.ts";
import type { ToldFrame } from "#domain/told-frames.ts";
import type { SseMessage } from "../codec/sse.ts";

/** Body of `answer.started`. */
export interface StartedBody {
  readonly image_vectors: number;
  readonly prompt_length: number;
  readonly canvas: number;
  readonly steps: number;
  /** Class of the arithmetic that makes it; null where its function says none. */
  readonly numerics: NumericsText | null;
}

/** Body of `answer.restarted`: the answer begins anew, from its first step, with another class of arithmetic. */
export interface RestartedBody extends StartedBody {
  /** How often it has begun anew, from 1. */
  readonly restarts: number;
  /** Class that had begun it. */
  readonly previous_numerics: NumericsText | null;
}

/** Body of `answer.frame`: what one step committed. */
export interface FrameBody {
  readonly step: number;
  /** Why it committed as much as it did: its `schedule`; more, by `entropy`; or all of a clear answer, `early`. */
  readonly reason: CommitReason;
  /** Nothing until it is certain that the answer is not empty; then everything up to here, each token with its own step. */
  readonly revealed: readonly TokenBody[];
  /** Where this step committed tokens that `revealed` tells later, and how sure it was of them. Absent: there are none. */
  readonly sealed?: readonly SealedBody[];
  /** New texts of tokens that were told before: pieces of a UTF-8 character that is whole now. */
  readonly revised: readonly RevisedBody[];
  /** Mean confidence of `revealed`; 0 when the step committed nothing. */
  readonly mean_confidence: number;
  /** The text of the positions below this is final. */
  readonly stable_until: number;
  /** Position of the end of the turn, null before there is one: what stands behind it is no part of the answer. */
  readonly turn_end: number | null;
}

/** A position whose token is not told yet. */
export interface SealedBody {
  readonly position: number;
  readonly confidence: number;
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
  /** The likeliest other tokens of its place, likeliest first. Absent: not asked for, or not told. */
  readonly alternatives?: readonly AlternativeBody[];
}

/** A token that could have been written where another was. */
export interface AlternativeBody {
  readonly token: number;
  readonly text: string;
  readonly confidence: number;
}

/** The counts of an answer as they are written on the function's hop. */
export interface UsageBody {
  readonly image_vectors: number;
  /** Absent: none; a function of before kept none. */
  readonly cached_image_vectors?: number;
  readonly prompt_length: number;
  readonly canvas: number;
  readonly steps: number;
  readonly forward_passes: number;
  readonly refreshes: number;
  readonly rows: number;
}

/** How long a client waits before it connects again after a cut. */
const RETRY_MS = 1000;

/** Writes an event for the hop from function to edge; the ids `<answer>.<step>` count the start as 0 and the end as the step after the last. */
export function eventMessage(event: AnswerEvent, answerId: string): SseMessage {
  switch (event.kind) {
    case "answer.started": {
      const { cachedImageVectors: cached_image_vectors, trust } = event;
      const body = { ...startedBody(event), cached_image_vectors, trust };
      return { ...bodyMessage(event.kind, body, `${answerId}.0`), retry: RETRY_MS };
    }
    case "answer.frame": {
      const { hasText, refreshed = true, rows, domainScore: domain_score, fields } = event;
      const body = {
        ...frameBody(event),
        has_text: hasText === true,
        refreshed,
        rows,
        domain_score,
        fields,
      };
      return bodyMessage(event.kind, body, `${answerId}.${event.step}`);
    }
    case "answer.completed":
    case "answer.partial": {
      const { kind, usage, domainScore: domain_score, ...rest } = event;
      const body = { ...rest, domain_score, usage: usageBody(usage) };
      return bodyMessage(kind, body, `${answerId}.${usage.steps + 1}`);
    }
    case "answer.failed":
      // Without an id: a client that comes back asks for what follows the last frame it saw.
      return bodyMessage(event.kind, { failure: event.failure });
    default:
      return event satisfies never;
  }
}

/** Writes an event as callers are told it, of an answer that has begun anew so often. */
export function progressMessage(
  event: AnswerBeginning | ToldFrame,
  answerId: string,
  restarts: number,
): SseMessage {
  const idOf = (step: number): string => `${answerId}.${placeInStream(restarts, step)}`;
  switch (event.kind) {
    case "answer.started":
      return { ...bodyMessage(event.kind, startedBody(event), idOf(0)), retry: RETRY_MS };
    case "answer.restarted":
      return bodyMessage(event.kind, restartedBody(event), idOf(0));
    case "answer.frame":
      return bodyMessage(event.kind, frameBody(event), idOf(event.step));
    default:
      return event satisfies never;
  }
}

function restartedBody(event: AnswerRestarted): RestartedBody {
  const { restarts, previousNumerics: previous_numerics } = event;
  return { ...startedBody(event), restarts, previous_numerics };
}

function startedBody(event: Omit<AnswerStarted, "kind">): StartedBody {
  return {
    image_vectors: event.imageVectors,
    prompt_length: event.promptLength,
    canvas: event.canvas,
    steps: event.steps,
    numerics: event.numerics ?? null,
  };
}

function frameBody(frame: ToldFrame): FrameBody {
  const { step, reason = "schedule", revealed, sealed, revised = [], stableUntil, turnEnd } = frame;
  return {
    step,
    reason,
    revealed,
    ...(sealed === undefined ? {} : { sealed }),
    revised,
    mean_confidence: meanConfidence(revealed),
    stable_until: stableUntil,
    turn_end: turnEnd ?? null,
  };
}

/** Writes an event with any body. */
export function bodyMessage(
  kind: AnswerEvent["kind"] | AnswerRestarted["kind"],
  body: object,
  id?: string,
): SseMessage {
  return { event: kind, data: JSON.stringify(body), ...(id === undefined ? {} : { id }) };
}

function meanConfidence(tokens: readonly CanvasToken[]): number {
  return tokens.reduce((sum, { confidence }) => sum + confidence, 0) / Math.max(1, tokens.length);
}

function usageBody(usage: Usage): UsageBody {
  const { cachedImageVectors } = usage;
  return {
    image_vectors: usage.imageVectors,
    ...(cachedImageVectors === undefined ? {} : { cached_image_vectors: cachedImageVectors }),
    prompt_length: usage.promptLength,
    canvas: usage.canvas,
    steps: usage.steps,
    forward_passes: usage.forwardPasses,
    refreshes: usage.refreshes,
    rows: usage.rows,
  };
}
