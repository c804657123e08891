// One side of `npm run bench -- engine`, in a process of its own: engines of one checkout over random weights of the 8B's width.

import { parseArgs } from "node:util";
import type { Architecture } from "#domain/architecture.ts";
import type { BundleFormat } from "#domain/bundle.ts";
import { tensor } from "#domain/tensor.ts";
import type { OrtEngine } from "#inference/engine/ort-engine.ts";
import { draftStages } from "#weights/layout.ts";
import { mixSeed, randomTensor } from "#weights/synth/random.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";
import { openProduct } from "./plain-product.ts";

/** Wall and CPU time of the same work, in milliseconds. */
export interface Took {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** What is asked of a side: time one pass over so many positions. */
export interface SideRequest {
  readonly rows: number;
}

/** What it says: one decoder layer, by the difference of two engines, and plain products of the layer's shapes. */
export interface SideReply {
  readonly layer: Took;
  readonly product: Took;
  readonly peakRssBytes: number;
}

/** Layers of the two engines. Their difference has no embedding, head or start of a pass in it. */
const FEW_LAYERS = 2;
const MANY_LAYERS = 6;

const forever = new AbortController().signal;

/** The 8B's decoder with another number of layers, without sight and with a vocabulary so small that its head costs nothing. */
export function narrowArchitecture(layers: number): Architecture {
  const { vision, image, ...rest } = synthArchitecture("llada-v-8b");
  const { special, logitsColumns } = synthArchitecture("tiny");
  return {
    ...rest,
    language: { ...rest.language, layers, vocabSize: logitsColumns },
    special,
    logitsColumns,
  };
}

/** Opens an engine of a checkout (`root`, a folder's URL) with random weights of a format, made in memory stage by stage. */
async function openEngine(root: string, format: BundleFormat, layers: number): Promise<OrtEngine> {
  const { createOrtEngine }: typeof import("#inference/engine/ort-engine.ts") = await import(
    new URL("src/inference/engine/ort-engine.ts", root).href
  );
  const architecture = narrowArchitecture(layers);
  const engine = await createOrtEngine({ architecture, provider: "cpu" });
  for (const [stage, draft] of draftStages(architecture, format).entries()) {
    const bytes = new Uint8Array(draft.bytes);
    for (const [index, entry] of draft.tensors.entries()) {
      const written = { data: 0, scales: 0 };
      for (const { part, bytes: piece } of randomTensor(entry, mixSeed(1, stage, index))) {
        bytes.set(piece, (entry[part]?.offset ?? 0) + written[part]);
        written[part] += piece.byteLength;
      }
    }
    await engine.accept({ layout: { ...draft, shards: [] }, bytes });
  }
  return engine;
}

async function timed(work: () => Promise<unknown>): Promise<Took> {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

function passOver(engine: OrtEngine, rows: number): () => Promise<unknown> {
  const { hiddenSize } = engine.architecture.language;
  const data = Float32Array.from({ length: rows * hiddenSize }, (_, index) => Math.sin(index));
  const pass = { embeddingsSD: tensor([rows, hiddenSize], data), rows: [0, 1], suppressed: [] };
  return () => engine.denoise(pass, forever);
}

async function serve(root: string, format: BundleFormat): Promise<void> {
  const few = await openEngine(root, format, FEW_LAYERS);
  const many = await openEngine(root, format, MANY_LAYERS);
  const product = await openProduct(narrowArchitecture(1).language);
  process.on("message", async ({ rows }: SideRequest) => {
    const short = await timed(passOver(few, rows));
    const long = await timed(passOver(many, rows));
    const layers = MANY_LAYERS - FEW_LAYERS;
    const reply: SideReply = {
      layer: {
        wallMs: (long.wallMs - short.wallMs) / layers,
        cpuMs: (long.cpuMs - short.cpuMs) / layers,
      },
      product: await timed(product(rows)),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    };
    process.send?.(reply);
  });
  process.send?.("ready");
}

const { values } = parseArgs({ options: { root: { type: "string" }, format: { type: "string" } } });
await serve(values.root ?? "", values.format as BundleFormat);
