import { existsSync } from "node:fs";
// One side of `npm run bench -- engine`, in a process of its own: engines of one checkout over random weights of the 8B's width.

import { parseArgs } from "node:util";
import type { Architecture } from "#domain/architecture.ts";
import { tensor } from "#domain/tensor.ts";
import type { OrtEngine } from "#engine/ort-engine.ts";
import type { StorageForm } from "#weights/format-choice.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";
import { randomStages } from "../support/random-stages.ts";
import { openProduct } from "./plain-product.ts";
import { type Took, timed } from "./took.ts";

/** What is asked of a side: time one pass over so many positions, or the kinds of passes that an answer is made of. */
export type SideRequest =
  | { readonly kind: "layer"; readonly rows: number }
  | { readonly kind: "passes"; readonly prompt: number; readonly canvas: number };

/** One decoder layer, by the difference of two engines, and plain products of the layer's shapes. */
export interface LayerReply {
  readonly layer: Took;
  readonly product: Took;
  readonly peakRssBytes: number;
}

/** A pass at the 8B's 32 layers, its head left out, extrapolated from two engines of fewer. */
export interface PassesReply {
  /** Everything is computed, nothing is kept. */
  readonly exact: Took;
  /** Everything is computed, and the prompt is kept. */
  readonly refresh: Took;
  /** Only the canvas is computed and sees the kept prompt. */
  readonly window: Took;
}

/** Layers of the two engines. Their difference has no embedding, head or start of a pass in it. */
const FEW_LAYERS = 2;
const MANY_LAYERS = 6;

/** Of the 8B. */
const REAL_LAYERS = 32;

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

type CreateEngine = typeof import("#inference/runtime/node-engine.ts").createNodeEngine;

/** Finds what creates a checkout's engine: up to 0.1.0 it lay elsewhere, under another name. */
async function engineOf(root: string): Promise<CreateEngine> {
  const [here, before] = ["runtime/node-engine.ts", "engine/ort-engine.ts"].map(
    (file) => new URL(`src/inference/${file}`, root),
  );
  if (here !== undefined && existsSync(here)) return (await import(here.href)).createNodeEngine;
  return (await import(before?.href ?? "")).createOrtEngine;
}

/** Opens an engine of a checkout (`root`, a folder's URL) with random weights of a form, made in memory stage by stage. */
async function openEngine(root: string, form: StorageForm, layers: number): Promise<OrtEngine> {
  const createEngine = await engineOf(root);
  const architecture = narrowArchitecture(layers);
  const engine = await createEngine({ architecture, provider: "cpu" });
  for (const stage of randomStages(architecture, form)) await engine.accept(stage);
  return engine;
}

type Pass = Parameters<OrtEngine["denoise"]>[0];

/** A pass over so many positions, of which the head is asked for `asked` and the one after it. */
function passOver({ architecture }: OrtEngine, rows: number, asked: number): Pass {
  const { hiddenSize } = architecture.language;
  const data = Float32Array.from({ length: rows * hiddenSize }, (_, index) => Math.sin(index));
  const embeddingsSD = tensor([rows, hiddenSize], data);
  return { embeddingsSD, rows: [asked, asked + 1], suppressed: [] };
}

/** Adds to the cost of the few layers so many times what one more layer costs. */
function extrapolate(few: Took, many: Took, layers: number, base: number): Took {
  const at = (pick: (took: Took) => number): number =>
    base * pick(few) + (layers * (pick(many) - pick(few))) / (MANY_LAYERS - FEW_LAYERS);
  return { wallMs: at(({ wallMs }) => wallMs), cpuMs: at(({ cpuMs }) => cpuMs) };
}

interface Engines {
  readonly few: OrtEngine;
  readonly many: OrtEngine;
}

async function timePasses(
  { few, many }: Engines,
  prompt: number,
  canvas: number,
): Promise<PassesReply> {
  const took = async (engine: OrtEngine): Promise<PassesReply> => {
    const pass = passOver(engine, prompt + canvas, prompt);
    const kept = engine.openPrefix();
    const using = (refresh: "whole" | "none"): Pass => ({
      ...pass,
      prefix: { kept, length: prompt, refresh },
    });
    const figures = {
      exact: await timed(() => engine.denoise(pass, forever)),
      refresh: await timed(() => engine.denoise(using("whole"), forever)),
      window: await timed(() => engine.denoise(using("none"), forever)),
    };
    kept.release();
    return figures;
  };
  const [short, long] = [await took(few), await took(many)];
  const whole = (kind: keyof PassesReply): Took =>
    extrapolate(short[kind], long[kind], REAL_LAYERS - FEW_LAYERS, 1);
  return { exact: whole("exact"), refresh: whole("refresh"), window: whole("window") };
}

async function serve(root: string, form: StorageForm): Promise<void> {
  const engines = {
    few: await openEngine(root, form, FEW_LAYERS),
    many: await openEngine(root, form, MANY_LAYERS),
  };
  const product = await openProduct(narrowArchitecture(1).language);
  const timeLayer = async (rows: number): Promise<LayerReply> => {
    const [few, many] = [passOver(engines.few, rows, 0), passOver(engines.many, rows, 0)];
    const short = await timed(() => engines.few.denoise(few, forever));
    const long = await timed(() => engines.many.denoise(many, forever));
    return {
      layer: extrapolate(short, long, 1, 0),
      product: await timed(product(rows)),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    };
  };
  process.on("message", async (request: SideRequest) => {
    const { kind } = request;
    const reply =
      kind === "layer"
        ? await timeLayer(request.rows)
        : await timePasses(engines, request.prompt, request.canvas);
    process.send?.(reply);
  });
  process.send?.("ready");
}

const { values } = parseArgs({ options: { root: { type: "string" }, form: { type: "string" } } });
await serve(values.root ?? "", JSON.parse(values.form ?? "{}"));
