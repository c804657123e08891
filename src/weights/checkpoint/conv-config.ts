import * as z from "zod";
import {
  type ConvTower,
  cellsPerSide,
  convTowerFault,
  evidenceVectors,
  evidenceWidth,
  trunkOf,
} from "#domain/conv-tower.ts";
import { count, small } from "../conv-tower.ts";
import { MAX_LAYERS } from "../limits.ts";
import { WeightsError } from "../weights-error.ts";

/** `vision_config` of a tower of convolutions. Source: tower_json in infra/demo-model/photographs/export.py. */
const convConfig = z.object({
  kind: z.literal("conv"),
  image_size: count,
  image_fit: z.string(),
  pixel_mean: z.number(),
  pixel_deviation: z.number().positive(),
  padding: z.string(),
  activation: z.string(),
  stem: z.object({ out: count, kernel: small, stride: small }),
  blocks: z
    .array(
      z.object({
        in: count,
        out: count,
        expansion: small,
        kernel: small,
        stride: small,
        skip: z.boolean(),
      }),
    )
    .min(1)
    .max(MAX_LAYERS),
  head: count,
  tap: z.object({ block: z.number().int().nonnegative(), width: count, unshuffle: small }),
  cells: count,
  classes: count,
  concepts: count,
  reader_hidden: count,
  energy_scale: z.number().positive(),
  tokens: count,
  features: count,
});

/** Says whether a parsed `vision_config` is one of convolutions; what it says besides is not looked at. */
export function isConvConfig(vision: unknown): boolean {
  return z.looseObject({ kind: z.literal("conv") }).safeParse(vision).success;
}

/**
 * Reads the tower from `vision_config`. What follows from other numbers is told twice there and must be the same: a tower that was
 * described otherwise than it is would be computed otherwise, too.
 * Throws WeightsError `checkpoint_invalid` or `checkpoint_unsupported` that names the key.
 */
export function readConvTower(vision: unknown): ConvTower {
  const parsed = convConfig.safeParse(vision);
  if (!parsed.success) {
    throw invalid(`vision_config cannot be used:\n${z.prettifyError(parsed.error)}`);
  }
  const raw = parsed.data;
  const foreign = Object.entries({
    image_fit: [raw.image_fit, "stretch"],
    padding: [raw.padding, "same_tensorflow"],
    activation: [raw.activation, "relu6"],
  }).filter(([, [said, computed]]) => said !== computed);
  if (foreign.length > 0) {
    const named = foreign.map(
      ([key, [said = ""]]) => `vision_config ${key} "${said.slice(0, 80)}"`,
    );
    throw new WeightsError(
      "checkpoint_unsupported",
      `config.json asks for what this engine does not compute: ${named.join(", ")}`,
    );
  }
  const tower: ConvTower = {
    kind: "conv",
    imageSize: raw.image_size,
    levels: { mean: raw.pixel_mean, deviation: raw.pixel_deviation },
    stem: { channels: raw.stem.out, kernel: raw.stem.kernel, stride: raw.stem.stride },
    blocks: raw.blocks.map(({ out, kernel, stride, expansion, skip }) => ({
      channels: out,
      kernel,
      stride,
      expansion,
      isResidual: skip,
    })),
    headChannels: raw.head,
    tap: { block: raw.tap.block, unshuffle: raw.tap.unshuffle },
    evidence: {
      classes: raw.classes,
      concepts: raw.concepts,
      readerWidth: raw.reader_hidden,
      energyScale: raw.energy_scale,
    },
  };
  const fault = convTowerFault(tower);
  if (fault !== undefined) throw invalid(`vision_config: ${fault}`);
  checkTold(tower, raw);
  return tower;
}

function checkTold(tower: ConvTower, raw: z.infer<typeof convConfig>): void {
  const { blocks } = trunkOf(tower);
  const told = [
    ["cells", raw.cells, cellsPerSide(tower)],
    ["tokens", raw.tokens, evidenceVectors(tower)],
    ["features", raw.features, evidenceWidth(tower)],
    ["tap.width", raw.tap.width, tower.blocks[raw.tap.block]?.channels],
    ...raw.blocks.map(
      (block, index) =>
        [`blocks.${index}.in`, block.in, blocks[index]?.convolutions[0]?.inputs] as const,
    ),
  ] as const;
  for (const [key, said, found] of told) {
    if (said !== found) throw invalid(`vision_config ${key} is ${said}, its blocks give ${found}`);
  }
}

function invalid(problem: string): WeightsError {
  return new WeightsError("checkpoint_invalid", `config.json: ${problem}`);
}
