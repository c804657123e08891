import type { Architecture } from "#domain/architecture.ts";
import { type BundleFormat, q4Blocks, type StageLayout } from "#domain/bundle.ts";
import type { OrtEngine } from "#engine/ort-engine.ts";
import { createNodeEngine } from "#inference/runtime/node-engine.ts";
import { draftStages } from "#weights/layout.ts";
import { mixSeed, randomTensor } from "#weights/synth/random.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";
import { type Bench, option } from "./measure.ts";
import { cudaOf } from "./runtimes.ts";

/** An engine full of random weights, and what it took to fill it. */
export interface SynthEngine {
  readonly engine: OrtEngine;
  readonly weightBytes: number;
  readonly loadSeconds: number;
}

/** The shape that an order's figures are of. */
export function shapeOf({ order: { small } }: Bench): Architecture {
  return synthArchitecture(small ? "tiny" : "llada-v-8b");
}

/**
 * Opens an engine on an order's provider with weights in its format, made in memory. Layers that lie alike get equal weights, made
 * once: their speed does not depend on them. Making and copying the bytes is not in the time.
 */
export async function openSynthEngine(bench: Bench): Promise<SynthEngine> {
  const { order } = bench;
  const architecture = shapeOf(bench);
  const format = option(order, "format") as BundleFormat;
  const engine = await createNodeEngine({
    architecture,
    provider: order.provider,
    ...cudaOf(order.provider),
  });
  const made = new Map<string, Uint8Array<ArrayBuffer>>();
  let weightBytes = 0;
  let loadMs = 0;
  for (const draft of draftStages(
    architecture,
    format,
    format === "q4" ? q4Blocks[0] : undefined,
  )) {
    bench.begin(`loading ${draft.name} in ${format}`);
    const key = JSON.stringify(draft.tensors);
    const bytes = made.get(key) ?? randomStage(draft);
    const isShared = draft.name.startsWith("layer-");
    if (isShared) made.set(key, bytes);
    const own = isShared ? bytes.slice() : bytes;
    const startedMs = performance.now();
    await engine.accept({ layout: { ...draft, shards: [] }, bytes: own });
    loadMs += performance.now() - startedMs;
    weightBytes += draft.bytes;
  }
  return { engine, weightBytes, loadSeconds: loadMs / 1000 };
}

function randomStage(draft: Omit<StageLayout, "shards">): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(draft.bytes);
  for (const [index, entry] of draft.tensors.entries()) {
    const written = { data: 0, scales: 0 };
    for (const { part, bytes: piece } of randomTensor(entry, mixSeed(1, index))) {
      bytes.set(piece, (entry[part]?.offset ?? 0) + written[part]);
      written[part] += piece.byteLength;
    }
  }
  return bytes;
}
