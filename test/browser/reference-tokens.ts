import * as ort from "onnxruntime-web/webgpu";
import { expect } from "vitest";
import { commands } from "vitest/browser";
import { viewRules } from "#domain/architecture.ts";
import { imageLayout } from "#domain/image/layout.ts";
import { tensor } from "#domain/tensor.ts";
import { createOrtEngine, type OrtEngine } from "#engine/ort-engine.ts";
import { deviceRuntime } from "#engine/runtime/device-runtime.ts";
import { hostRuntime } from "#engine/runtime/host-runtime.ts";
import { answerTokens, openCanvas } from "#model/decode/canvas.ts";
import { decode } from "#model/decode/decode.ts";
import { endAtIds } from "#model/decode/ending.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { referencePolicy } from "#model/decode/policy.ts";
import { embedPrompt } from "#model/text/embed.ts";
import { IMAGE_SLOT } from "#model/text/prompt.ts";
import { stitchFeatures } from "#model/vision/stitch.ts";
import convolutions from "../fixtures/reference/cases/c01_conv_40x90/case.json";
import convolutionArrays from "../fixtures/reference/cases/c01_conv_40x90/tensors.safetensors?url";
import patches from "../fixtures/reference/cases/p01_square56_grad/case.json";
import patchArrays from "../fixtures/reference/cases/p01_square56_grad/tensors.safetensors?url";
import type { BrowserModel } from "../support/browser-model.ts";
import { readTensorFile } from "../support/tensor-file.ts";

const never = new AbortController().signal;

/** Of a case of the reference what is read here. */
interface Reference {
  readonly name: string;
  readonly prompt_len: number;
  readonly input_ids: readonly number[];
  readonly special_ids: { readonly image_sentinel: number };
  readonly runs: readonly {
    readonly gen_length: number;
    readonly block_length: number;
    readonly steps: number;
    readonly num_forwards: number;
    readonly output: readonly number[];
  }[];
}

/** A picture of a case: its size, and where its views are, as the reference saw them. */
interface SeenPicture {
  readonly width: number;
  readonly height: number;
  readonly arraysUrl: string;
}

/** A case, and the run of it that takes so many passes. */
export interface Case {
  readonly provider: "wasm" | "webgpu";
  readonly reference: Reference;
  readonly picture: SeenPicture;
  readonly passes: number;
}

function seen({ images }: typeof patches | typeof convolutions, arraysUrl: string): SeenPicture {
  const [width = 0, height = 0] = images[0]?.size_wh ?? [];
  return { width, height, arraysUrl };
}

/** A picture's way through a tower of patches, and of convolutions. */
export const patchTower = { reference: patches, picture: seen(patches, patchArrays), passes: 6 };
export const convTower = {
  ...{ reference: convolutions, picture: seen(convolutions, convolutionArrays) },
  passes: 4,
};

/** Holds the graphs of a provider to the reference's tokens. */
export async function expectReferenceTokens({
  provider,
  reference,
  picture,
  passes,
}: Case): Promise<void> {
  const engine = await openEngine(provider, reference.name);
  const prompt = await promptOf(engine, reference, picture);
  expect(prompt.shape[0]).toBe(reference.prompt_len);
  const run = reference.runs.find(({ num_forwards }) => num_forwards === passes)!;
  const canvas = await openCanvas(engine, prompt, run.gen_length, [], referencePolicy, never);
  const plan = {
    ...{ blockLength: run.block_length, steps: run.steps, ending: endAtIds([]), temperature: 0 },
    ...{ remasking: "low_confidence", guidanceScale: 0, uniform: mulberry32(0) },
    ...{ refresh: { kind: "always" }, commit: { kind: "schedule" } },
  } as const;
  for await (const _ of decode(engine, canvas, plan, referencePolicy, never));
  expect(answerTokens(canvas)).toEqual(run.output);
  await engine.dispose();
}

/** A browser may have the interface and no device behind it. */
export async function hasAdapter(): Promise<boolean> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
  return gpu !== undefined && (await gpu.requestAdapter()) !== null;
}

async function openEngine(provider: "wasm" | "webgpu", name: string): Promise<OrtEngine> {
  const { architecture, stages } = (await commands.browserModel(name)) as BrowserModel;
  const runtime =
    provider === "webgpu" ? deviceRuntime(ort) : hostRuntime(ort, { executionProviders: ["wasm"] });
  const engine = await createOrtEngine({
    ...{ architecture, provider, runtime },
    arithmetic: { provider, runtime: "onnxruntime-web", kernels: "browser", rows: "alone" },
  });
  for (const { layout, base64 } of stages)
    await engine.accept({ layout, bytes: Uint8Array.fromBase64(base64) });
  return engine;
}

/** The prompt's vectors. */
async function promptOf(engine: OrtEngine, reference: Reference, picture: SeenPicture) {
  const ids = reference.input_ids.map((id) =>
    id === reference.special_ids.image_sentinel ? IMAGE_SLOT : id,
  );
  const features = await featuresOf(engine, picture);
  return await embedPrompt(engine, ids, [features], Number.POSITIVE_INFINITY, never);
}

async function featuresOf(engine: OrtEngine, { width, height, arraysUrl }: SeenPicture) {
  const arrays = readTensorFile(new Uint8Array(await (await fetch(arraysUrl)).arrayBuffer()));
  const pixels = arrays.get("pixel_values0")!;
  const features = await engine.encodeImage(
    tensor(pixels.shape, pixels.data as Float32Array),
    never,
  );
  const { vision, image } = engine.architecture;
  const layout = imageLayout({ width, height }, image!, viewRules(vision!), "auto");
  return stitchFeatures(features, await engine.imageNewline(never), layout);
}
