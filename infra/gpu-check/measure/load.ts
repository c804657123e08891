import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type BundleFormat, q4Blocks } from "#domain/bundle.ts";
import { fileStore } from "#inference/file-store.ts";
import { openModel } from "#inference/model-loader.ts";
import { createNodeEngine } from "#inference/runtime/node-engine.ts";
import { createSha256 } from "#inference/sha256.ts";
import { synthBundle } from "#weights/synth/synth.ts";
import { type Measure, option, rounded } from "./measure.ts";
import { cudaOf } from "./runtimes.ts";

/** A bundle from a folder into an engine, every byte hashed on the way, as a function does it. */
export const load: Measure = async ({ order, begin, tell }) => {
  const format = option(order, "format") as BundleFormat;
  const shape = order.small ? "tiny" : "1b";
  const folder = await mkdtemp(path.join(tmpdir(), "unmask-gpu-check-"));
  try {
    begin(`writing random weights, ${shape} in ${format}`);
    const { bundle } = await synthBundle({
      store: fileStore(folder),
      name: "load",
      version: "1",
      shape,
      format,
      seed: 1,
      ...(format === "q4" ? { block: q4Blocks[0] } : {}),
      createHasher: createSha256,
    });
    begin(`loading ${shape} in ${format}`);
    const engine = await createNodeEngine({
      architecture: bundle.architecture,
      provider: order.provider,
      ...cudaOf(order.provider),
    });
    const startedMs = performance.now();
    const model = await openModel({
      store: fileStore(folder),
      model: "load",
      apart: { store: { kind: "folder", folder } },
    });
    await model.start((stage, giveBack) => engine.accept(stage, giveBack), 2);
    const seconds = (performance.now() - startedMs) / 1000;
    const { totalBytes } = model.state().status;
    tell({
      shape,
      format,
      weightsGB: rounded(totalBytes / 1e9),
      seconds: rounded(seconds),
      GBs: rounded(totalBytes / 1e9 / seconds),
      rssMB: Math.round(process.resourceUsage().maxRSS / 1024),
    });
    await engine.dispose();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
