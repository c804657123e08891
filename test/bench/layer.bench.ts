import { type LoadedStage, layerStage } from "#domain/bundle.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import type { Runtime, Session } from "#engine/runtime/runtime.ts";
import { withWasmLayers } from "#engine/wasm-layer/wasm-layers.ts";
import { decoderLayerGraph } from "#graph/decoder-layer.ts";
import { opProfiles } from "#graph/profile.ts";
import { rotationTables } from "#graph/rotary.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";
import type { StorageForm } from "#weights/format-choice.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";
import { layerBinaries } from "../support/layer-kernel.ts";
import { randomStages } from "../support/random-stages.ts";
import { medianOf, type Took, timed } from "./took.ts";

/** One layer of the 8B's width, over a window behind a context, by two executors in the same process, by turns. */
export interface WasmLayerFigures {
  readonly form: StorageForm;
  readonly rows: number;
  readonly context: number;
  readonly own: Took;
  /** onnxruntime-web's, over the graph of the same layer. */
  readonly ort: Took;
}

/** Rows, positions seen before them, and turns. */
const WINDOWS: readonly (readonly [rows: number, context: number, turns: number])[] = [
  [32, 0, 9],
  [32, 1000, 5],
  [256, 0, 3],
];

/** Without sight and words, whose weights nobody here runs. */
const { vision, image, ...eightB } = synthArchitecture("llada-v-8b");
const { language } = eightB;

/** Measures a layer in each form on one thread. */
export async function* measureWasmLayers(
  forms: readonly StorageForm[],
): AsyncIterable<WasmLayerFigures> {
  const ort = await loadRuntime("wasm", 1);
  const own = await withWasmLayers(ort, layerBinaries(), { take: ["int4", "int8"] });
  for (const form of forms) {
    const sessions = { own: await openOwn(own, form), ort: await openGraph(ort, form) };
    for (const [rows, context, turns] of WINDOWS) {
      const inputs = inputsOf(rows, context);
      const took: { own: Took[]; ort: Took[] } = { own: [], ort: [] };
      for (let turn = 0; turn <= turns; turn++) {
        for (const side of ["own", "ort"] as const) {
          const time = await timed(() => sessions[side].run(inputs, ["hiddenOut"]));
          if (turn > 0) took[side].push(time); // the first one warms
        }
      }
      yield { form, rows, context, own: medianOf(took.own), ort: medianOf(took.ort) };
    }
    await Promise.all(Object.values(sessions).map((session) => session.release()));
  }
}

async function openOwn(runtime: Runtime, form: StorageForm): Promise<Session> {
  const session = await runtime.openLayer?.({
    tower: language,
    stage: stageOf(form),
    queries: "all",
  });
  if (session === undefined) throw new Error(`our kernels take no layer in ${form.format}`);
  return session;
}

async function openGraph(runtime: Runtime, form: StorageForm): Promise<Session> {
  const { layout, bytes } = stageOf(form);
  const model = decoderLayerGraph(language, layout, opProfiles.wasm);
  return await runtime.createSession(layout.name, model, bytes);
}

/** A layer of random weights. */
function stageOf(form: StorageForm): LoadedStage {
  const architecture = { ...eightB, language: { ...language, layers: 1, vocabSize: 1024 } };
  for (const stage of randomStages(architecture, form)) {
    if (stage.layout.name === layerStage(0)) return stage;
  }
  throw new Error("the 8B has no first layer");
}

function inputsOf(rows: number, context: number): Readonly<Record<string, Tensor>> {
  const { hiddenSize, keyValueHeads, headSize } = language;
  const waves = (...shape: number[]): Tensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    return tensor(
      shape,
      Float32Array.from({ length: count }, (_, index) => Math.sin(index)),
    );
  };
  const { cosines, sines } = rotationTables(language, context, rows);
  return {
    hidden: waves(1, rows, hiddenSize),
    cosines: tensor([1, rows, headSize / 2], cosines),
    sines: tensor([1, rows, headSize / 2], sines),
    contextKeys: waves(1, keyValueHeads, context, headSize),
    contextValues: waves(1, keyValueHeads, context, headSize),
    mask: tensor([1, 1, 1, context + rows], new Float32Array(context + rows)),
  };
}
