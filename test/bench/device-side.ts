// `npm run bench -- engine --provider webgpu`, in a process of its own, which may be one that computes on software Vulkan: what crosses
// the border to the device in each kind of pass, and how long it took.

import type { Architecture } from "#domain/architecture.ts";
import type { Q4Block, StageLayout } from "#domain/bundle.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import { denoiseOnDevice } from "#engine/device/device-pass.ts";
import { createDeviceSteps } from "#engine/device/device-steps.ts";
import { LAYERS_AT_ONCE, layerGroups } from "#engine/device/layer-groups.ts";
import { KeptPrefix } from "#engine/passes/kept-prefix.ts";
import { settleProfile } from "#engine/self-test/self-test.ts";
import { createSessions } from "#engine/stages/sessions.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";
import type { ForwardPass } from "#model/engine.ts";
import { draftStages } from "#weights/layout.ts";
import { mixSeed, randomTensor } from "#weights/synth/random.ts";
import { SYNTH_SHAPES, type SynthShape, synthArchitecture } from "#weights/synth/shapes.ts";
import { watched } from "../support/device-on-cpu.ts";
import { median } from "./median.ts";

/** One kind of pass. */
export interface DevicePassFigures {
  readonly pass: string;
  readonly runs: number;
  readonly bytesToDevice: number;
  readonly bytesFromDevice: number;
  readonly wallMs: number;
}

const BLOCK: Q4Block = 32;
const CANVAS = 32;
const TURNS = 3;

function randomStage(layout: Omit<StageLayout, "shards">): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(layout.bytes);
  for (const [index, entry] of layout.tensors.entries()) {
    const written = { data: 0, scales: 0 };
    for (const { part, bytes: piece } of randomTensor(entry, mixSeed(1, index))) {
      bytes.set(piece, (entry[part]?.offset ?? 0) + written[part]);
      written[part] += piece.byteLength;
    }
  }
  return bytes;
}

/** A shape's width and vocabulary, without sight, with so many layers. */
function architectureOf(shape: SynthShape, layers: number): Architecture {
  const { vision: _, image: __, ...whole } = synthArchitecture(shape);
  return { ...whole, language: { ...whole.language, layers } };
}

async function measure(
  shape: SynthShape,
  layers: number,
  prompt: number,
): Promise<readonly DevicePassFigures[]> {
  const architecture = architectureOf(shape, layers);
  const { language } = architecture;
  const { runtime, log } = watched(await loadRuntime("webgpu"));
  const profile = await settleProfile(runtime, "webgpu");
  const groups = layerGroups(language, LAYERS_AT_ONCE);
  const selfTest = { check: async () => undefined, rowsAreIndependent: false };
  const sessions = createSessions({
    ...{ architecture, profile, runtime, selfTest, groups, isObserved: false },
  });
  for (const draft of draftStages(architecture, "q4", BLOCK)) {
    if (draft.name === "embed") continue; // is never on the device
    await sessions.accept({ layout: { ...draft, shards: [] }, bytes: randomStage(draft) });
  }
  const steps = await createDeviceSteps(runtime, architecture, profile);
  const parts = {
    ...{ architecture, sessions, runtime, steps, groups, isObserved: false },
    observe: () => undefined,
  };
  const embeddingsSD = vectors(prompt + CANVAS, language.hiddenSize);
  const kept = new KeptPrefix(1, () => undefined);
  const rows = Array.from({ length: CANVAS }, (_, row) => prompt + row);
  const figures: DevicePassFigures[] = [];
  for (const refresh of ["whole", "deep", "none"] as const) {
    const pass: ForwardPass = {
      ...{ embeddingsSD, rows, suppressed: [] },
      prefix: { kept, length: prompt, refresh },
    };
    const times: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      log.forget();
      const startedMs = performance.now();
      await denoiseOnDevice(parts, pass, 2, new AbortController().signal);
      times.push(performance.now() - startedMs);
    }
    figures.push({
      pass: refresh,
      runs: log.runs.length,
      bytesToDevice: log.toDevice,
      bytesFromDevice: log.fromDevice,
      wallMs: median(times),
    });
  }
  return figures;
}

function vectors(size: number, width: number): Tensor {
  const data = Float32Array.from({ length: size * width }, (_, index) => Math.sin(index));
  return tensor([size, width], data);
}

const [name, layers = "4", prompt = "1000"] = process.argv.slice(2);
const shape = SYNTH_SHAPES.find((known) => known === name);
if (shape === undefined) throw new Error(`no such shape: ${name}`);
process.stdout.write(JSON.stringify(await measure(shape, Number(layers), Number(prompt))));
process.exit(0); // the device's buffers are as much as the process's own
