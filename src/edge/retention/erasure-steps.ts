import type { ErasureCounts, ErasurePhase } from "#wire/api/accounts/erasures.ts";
import type { Erasure } from "../keepers.ts";

/**
 * How long after the closing the erasing begins: a Worker lets keys in that it has read within half a minute, and what was let in
 * then has begun by now.
 */
export const CLOSING_MS = 60_000;

/** And when everything is looked through once more: a request that was slow to come in has been answered by then. */
export const AGAIN_MS: number = 15 * 60_000;

/** What one call of a phase came to: how much it erased, and whether anything of it is left. */
export interface Chunk {
  readonly erased: number;
  readonly isLeft: boolean;
}

/** What erases one account; each call does a bounded part of its work, and may be repeated. */
export interface ErasureParts {
  close(): Promise<void>;
  batches(): Promise<Chunk>;
  answers(): Promise<Chunk>;
  webhooks(): Promise<void>;
  pictures(): Promise<Chunk>;
  /** What functions keep in memory. */
  functions(): Promise<void>;
  rows(): Promise<Chunk>;
  /** False while money is still on its way. */
  books(): Promise<boolean>;
  rename(): Promise<void>;
}

/** An erasure on its way: as it is told, and which time it goes through. */
export interface ErasureState extends Erasure {
  readonly accountId: string;
  readonly isSecond: boolean;
}

/** What is to be done next: the state from then on, and how long to wait before it. */
export interface Step {
  readonly state: ErasureState;
  readonly waitMs: number;
}

/** Between two tries of what something else has to end first: an answer, a hold, a message. */
const TRY_AGAIN_MS = 20_000;

/** Each phase's work, done once; what it leaves is done by the next call. `now` in milliseconds since 1970. */
export async function eraseStep(
  state: ErasureState,
  parts: ErasureParts,
  now: number,
): Promise<Step> {
  const { phase, startedAt, isSecond } = state;
  switch (phase) {
    case "closing":
      await parts.close();
      return go(state, "waiting", startedAt + CLOSING_MS - now);
    case "waiting":
      return go(state, "batches", startedAt + CLOSING_MS - now);
    case "batches":
      return chunkDone(state, await parts.batches(), "batches", "answers");
    case "answers":
      return chunkDone(state, await parts.answers(), "answers", "webhooks");
    case "webhooks":
      await parts.webhooks();
      return go(state, "pictures");
    case "pictures":
      return chunkDone(state, await parts.pictures(), "pictures", "functions");
    case "functions":
      await parts.functions();
      return go(state, "rows");
    case "rows":
      return chunkDone(state, await parts.rows(), "rows", "books");
    case "books":
      if (!(await parts.books())) return { state, waitMs: TRY_AGAIN_MS };
      return isSecond ? go(state, "account") : go(state, "again", startedAt + AGAIN_MS - now);
    case "again":
      return go({ ...state, isSecond: true }, "batches");
    case "account":
      await parts.rename();
      return go({ ...state, endedAt: now }, "done");
    case "done":
      return { state, waitMs: 0 };
    default:
      return phase satisfies never;
  }
}

function go(state: ErasureState, phase: ErasurePhase, waitMs = 0): Step {
  return { state: { ...state, phase }, waitMs: Math.max(0, waitMs) };
}

function chunkDone(
  state: ErasureState,
  { erased, isLeft }: Chunk,
  what: keyof ErasureCounts,
  next: ErasurePhase,
): Step {
  const counts = { ...state.counts, [what]: state.counts[what] + erased };
  const counted = { ...state, counts };
  if (!isLeft) return go(counted, next);
  return { state: counted, waitMs: erased > 0 ? 0 : TRY_AGAIN_MS };
}
