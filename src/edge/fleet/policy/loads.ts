import type { PastLoads } from "./fleet.ts";

/** Loads of one kind that are remembered: a month of deployments, and few enough to lie in every snapshot. */
const MAX_LOADS = 32;

/** Kinds of loads: providers times versions that are served beside each other. The one that was not seen for longest goes first. */
const MAX_KINDS = 16;

/** Of the loads that took longer than this one has until now, so many were over by the time that is told. */
const LIKELY = 0.8;

/** What is nearly there is asked for again soon, and nobody is told to wait for an hour by a guess. */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 10 * 60_000;

/** Replies by which a model's own pace is known. */
const FEWEST_REPLIES = 20;

/** A warm function says within this that it begins, whatever others need. */
const WARM_REPLY_MS = 2_000;

/** Which load is asked about; a part that is absent is not known. */
export interface LoadKind {
  readonly provider?: string;
  readonly digest?: string;
}

/** A load that has ended. */
export interface EndedLoad extends Required<LoadKind> {
  readonly tookMs: number;
}

/** Remembers a load. */
export function withLoad(
  loads: readonly PastLoads[],
  { provider, digest, tookMs }: EndedLoad,
): readonly PastLoads[] {
  const isOfKind = (load: PastLoads): boolean =>
    load.provider === provider && load.digest === digest;
  const before = loads.find(isOfKind)?.tookMs ?? [];
  const kind = { provider, digest, tookMs: [...before, tookMs].slice(-MAX_LOADS) };
  return [...loads.filter((load) => !isOfKind(load)), kind].slice(-MAX_KINDS);
}

/**
 * Milliseconds, from 1 s to 10 min, until weights are there whose load nobody sees and has lasted for `lastedMs`: by which four
 * of five loads ended that had lasted as long. One that lasts longer than all of them takes as long again. Loads of the same
 * weights and provider count, then of the same weights, then of the same provider, then all; null where there were none.
 */
export function etaMs(
  loads: readonly PastLoads[],
  { provider, digest }: LoadKind,
  lastedMs = 0,
): number | null {
  const circles = [
    loads.filter((load) => load.provider === provider && load.digest === digest),
    loads.filter((load) => load.digest === digest),
    loads.filter((load) => load.provider === provider),
    loads,
  ];
  const like = circles.map((circle) => circle.flatMap(({ tookMs }) => tookMs));
  const took = like.find((circle) => circle.length > 0);
  if (took === undefined) return null;
  const longer = took.filter((one) => one > lastedMs);
  const leftMs = longer.length === 0 ? lastedMs : quantile(longer, LIKELY) - lastedMs;
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, leftMs));
}

/**
 * Whether a connection that is held for so long is held for a start: for longer than nineteen of twenty warm functions took to say
 * that they begin. A host that starts functions on demand shows a load in no other way.
 */
export function isHeldForStart(heldMs: number, warmRepliesMs: readonly number[]): boolean {
  const known = warmRepliesMs.length < FEWEST_REPLIES ? 0 : quantile(warmRepliesMs, 0.95);
  return heldMs > Math.max(WARM_REPLY_MS, known);
}

/** The smallest of at least one value that so large a part of them does not exceed. */
function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
}
