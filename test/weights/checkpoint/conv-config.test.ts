import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fileStore } from "#inference/file-store.ts";
import { createSha256 } from "#inference/sha256.ts";
import { readCheckpointConfig } from "#weights/checkpoint/architecture.ts";
import { openCheckpoint } from "#weights/checkpoint/checkpoint.ts";
import { convertCheckpoint } from "#weights/checkpoint/convert.ts";
import { storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import { memoryStore } from "#weights/object-store.ts";
import { memorySource } from "#weights/source.ts";
import { WeightsError } from "#weights/weights-error.ts";

interface ConvConfigJson {
  readonly vision_config: {
    readonly blocks: readonly Readonly<Record<string, unknown>>[];
    readonly tap: Readonly<Record<string, unknown>>;
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

const FOLDER = "test/fixtures/reference/tiny-conv";
const config: ConvConfigJson = JSON.parse(readFileSync(`${FOLDER}/config.json`, "utf8"));
const vision = config.vision_config;
const special = {
  ...{ beginOfText: 150, endOfText: 151, mask: 152 },
  ...{ startHeader: 153, endHeader: 154, endOfTurn: 155 },
};

function refusal(change: object): { code: string; message: string } {
  try {
    readCheckpointConfig({ ...config, vision_config: { ...vision, ...change } });
  } catch (error) {
    if (error instanceof WeightsError) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: "none", message: "" };
}

/** The checkpoint with another config.json. */
function checkpointWith(json: object) {
  const folder = storedCheckpoint(fileStore(FOLDER));
  return {
    ...folder,
    open: async (name: string) =>
      name === "config.json"
        ? memorySource(new TextEncoder().encode(JSON.stringify(json)))
        : folder.open(name),
  };
}

describe("a checkpoint with a tower of convolutions", () => {
  test("says its blocks as data, looks at one stretched view, and never writes the token that fills", async () => {
    const { architecture, ignored } = await openCheckpoint(checkpointWith(config), {
      ...{ idsOnly: true, special },
    });
    expect(architecture.vision).toMatchObject({
      kind: "conv",
      imageSize: 56,
      levels: { mean: 127, deviation: 128 },
      tap: { block: 1, unshuffle: 2 },
      evidence: { classes: 30, concepts: 6, readerWidth: 20, energyScale: 0.1 },
    });
    expect(architecture.image).toEqual({ aspect: "stretch", gridPinpoints: [], maxTiles: 1 });
    expect(architecture.decoding?.suppressed).toContain(156);
    expect(ignored).toEqual([]);
  });

  test("is stored with its small kernels in 16 bits, and told what each tensor lost", async () => {
    const lost = new Map<string, number>();
    const { bundle } = await convertCheckpoint({
      ...{ checkpoint: checkpointWith(config), store: memoryStore(), name: "conv", version: "1" },
      ...{ form: { format: "w8a8" }, idsOnly: true, special, createHasher: createSha256 },
      onTensor: ({ stage, name, encoding, rmsError, rmsSource }) => {
        if (stage === "vision" && encoding === "f16") lost.set(name, rmsError / rmsSource);
      },
    });
    expect(bundle.stages.map(({ name }) => name).slice(0, 2)).toEqual(["vision", "projector"]);
    expect(lost.get("evidence.mapping")).toBe(0);
    expect(lost.size).toBe(17);
    expect(Math.max(...lost.values())).toBeLessThan(0.001);
  });

  test.each([
    ["pads otherwise", { padding: "same_torch" }, /vision_config padding "same_torch"/],
    ["has another activation", { activation: "silu" }, /vision_config activation "silu"/],
    ["fits pictures otherwise", { image_fit: "crop" }, /vision_config image_fit "crop"/],
  ])("that %s is refused by the key, as what this engine does not compute", (_, change, words) => {
    expect(refusal(change)).toEqual({
      code: "checkpoint_unsupported",
      message: expect.stringMatching(words),
    });
  });

  test.each([
    ["another number of cells", { cells: 8 }, /vision_config cells is 8, its blocks give 7/],
    ["another number of vectors", { tokens: 49 }, /tokens is 49, its blocks give 50/],
    ["vectors of another width", { features: 20 }, /features is 20, its blocks give 19/],
    ["a tap of another width", { tap: { ...vision.tap, width: 16 } }, /tap.width is 16/],
    [
      "a block that takes what the one before does not give",
      { blocks: vision.blocks.map((block) => ({ ...block, in: 8 })) },
      /blocks.0.in is 8, its blocks give 32/,
    ],
    [
      "a residual block that changes its shape",
      { blocks: vision.blocks.map((block) => ({ ...block, skip: true })) },
      /block 0 is residual/,
    ],
    ["no things", { concepts: 0 }, /concepts/],
  ])("that says %s is refused, and told which number and why", (_, change, words) => {
    expect(refusal(change)).toEqual({
      code: "checkpoint_invalid",
      message: expect.stringMatching(words),
    });
  });

  test("whose tensors are of another shape, or without a place, is refused by the tensor's name", async () => {
    const wider = { ...config, vision_config: { ...vision, reader_hidden: 21 } };
    await expect(
      openCheckpoint(checkpointWith(wider), { idsOnly: true, special }),
    ).rejects.toMatchObject({
      code: "tensor_shape",
      message: expect.stringContaining("evidence.first.weight has shape [20, 72]"),
    });
    const shorter = {
      ...config,
      vision_config: { ...vision, blocks: vision.blocks.slice(0, 3) },
    };
    await expect(
      openCheckpoint(checkpointWith(shorter), { idsOnly: true, special }),
    ).rejects.toMatchObject({
      code: "tensor_unexpected",
      message: expect.stringContaining("trunk.blocks.3"),
    });
  });
});
