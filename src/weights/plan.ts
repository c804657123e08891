import type { Blob, Bundle, StageLayout, StageName } from "#domain/bundle.ts";
import { blobKey } from "./manifest.ts";
import { WeightsError } from "./weights-error.ts";

/** What a load will do, in order: the cold-start budget, before the first byte is asked for. */
export interface LoadPlan {
  readonly stages: readonly StagePlan[];
  /** Buffers of whole stages that exist at once, the one in the acceptor's hands included. */
  readonly stagesAtOnce: number;
  /** The most that those buffers can take together. */
  readonly peakBytes: number;
  readonly storeBytes: number;
  readonly diskBytes: number;
}

export interface StagePlan {
  readonly layout: StageLayout;
  readonly fetches: readonly Fetch[];
}

/** One shard: where it comes from and where in its stage it goes. */
export interface Fetch {
  readonly stage: StageName;
  readonly shard: Blob;
  readonly key: string;
  readonly offset: number;
  /** A shard on disk is verified like any other; one that turns out wrong comes from the store after all. */
  readonly from: "store" | "disk";
}

/** While sessions are made faster than stages arrive, all arrive; else one does, and two are being made. More would only cost memory. */
const MAX_STAGES_AT_ONCE = 3;

/**
 * Plans a load: all shards in the order of the forward pass, but for the head, which comes before the layers. It is the largest
 * stage: made ready early, it is out of the way when the last byte has come, and no sessions of layers lie beside its buffer.
 * @param isOnDisk whether a shard is believed to be in the disk cache
 * @param memoryBudgetBytes the most that stage buffers may take together; how many exist at once follows from it
 * @throws WeightsError `memory_budget_too_small` if not even the largest stage fits
 */
export function planLoad(
  bundle: Bundle,
  isOnDisk: (shard: Blob) => boolean,
  memoryBudgetBytes: number,
): LoadPlan {
  const ordered = inLoadingOrder(bundle.stages);
  const sizes = ordered.map(({ bytes }) => bytes);
  const stagesAtOnce = [3, 2, 1].find(
    (count) => count <= MAX_STAGES_AT_ONCE && largestRun(sizes, count) <= memoryBudgetBytes,
  );
  if (stagesAtOnce === undefined) {
    throw new WeightsError(
      "memory_budget_too_small",
      `the largest stage of ${bundle.name} has ${largestRun(sizes, 1)} bytes, the budget ${memoryBudgetBytes}`,
    );
  }
  const stages = ordered.map((layout) => ({ layout, fetches: fetchesOf(layout, isOnDisk) }));
  const fetches = stages.flatMap((stage) => stage.fetches);
  return {
    stages,
    stagesAtOnce,
    peakBytes: largestRun(sizes, stagesAtOnce),
    storeBytes: sum(fetches.filter(({ from }) => from === "store")),
    diskBytes: sum(fetches.filter(({ from }) => from === "disk")),
  };
}

/** The head's place is before the first layer; all other stages stand as a forward pass needs them. */
export function inLoadingOrder(stages: readonly StageLayout[]): readonly StageLayout[] {
  const isLayer = ({ name }: StageLayout): boolean => name.startsWith("layer-");
  return [...stages.filter((stage) => !isLayer(stage)), ...stages.filter(isLayer)];
}

/** Renders a plan for people: one line a stage, totals last. */
export function printPlan(plan: LoadPlan): string {
  const lines = plan.stages.map(({ layout, fetches }) => {
    const disk = fetches.filter(({ from }) => from === "disk").length;
    return `${layout.name.padEnd(10)} ${megabytes(layout.bytes)} in ${fetches.length} shard${fetches.length === 1 ? "" : "s"}${disk > 0 ? `, ${disk} on disk` : ""}`;
  });
  return [
    ...lines,
    `${megabytes(plan.storeBytes)} from the store, ${megabytes(plan.diskBytes)} from disk, at most ${megabytes(plan.peakBytes)} in ${plan.stagesAtOnce} stage buffers`,
  ].join("\n");
}

function fetchesOf(layout: StageLayout, isOnDisk: (shard: Blob) => boolean): Fetch[] {
  let offset = 0;
  return layout.shards.map((shard) => {
    const fetch: Fetch = {
      stage: layout.name,
      shard,
      key: blobKey(shard),
      offset,
      from: isOnDisk(shard) ? "disk" : "store",
    };
    offset += shard.bytes;
    return fetch;
  });
}

/** The largest sum of `count` neighbours: stages are loaded in order, so only neighbours are in memory together. */
function largestRun(sizes: readonly number[], count: number): number {
  return Math.max(
    ...sizes.map((_, index) =>
      sizes.slice(index, index + count).reduce((total, bytes) => total + bytes, 0),
    ),
  );
}

function sum(fetches: readonly Fetch[]): number {
  return fetches.reduce((total, { shard }) => total + shard.bytes, 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
