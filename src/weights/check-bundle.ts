import {
  type Architecture,
  decodingOf,
  type ImagePolicy,
  type VisionTower,
} from "#domain/architecture.ts";
import { type Bundle, type StageLayout, stageNames } from "#domain/bundle.ts";
import { convTowerFault } from "#domain/conv-tower.ts";
import { encodedBytes, stageTensors } from "./layout.ts";
import { WeightsError } from "./weights-error.ts";

/** How a manifest's refusal goes on behind its address. */
export const UNUSABLE = "is no usable manifest";

/**
 * Holds a manifest to what no schema can say: its sizes fit one another, its stages are the architecture's, their tensors lie side by
 * side inside of them, and their shards add up. Throws WeightsError `manifest_invalid` that says what is wrong where.
 */
export function checkBundle(bundle: Bundle, address: string): void {
  checkArchitecture(bundle.architecture, address);
  checkFiller(bundle, address);
  const expected = stageNames(bundle.architecture);
  const names = bundle.stages.map(({ name }) => name);
  if (names.join() !== expected.join()) {
    throw invalid(address, `stages are ${names.join(", ")} instead of ${expected.join(", ")}`);
  }
  for (const stage of bundle.stages) checkStage(bundle.architecture, stage, address);
}

function checkArchitecture(
  { language, vision, image, special, decoding, logitsColumns }: Architecture,
  address: string,
): void {
  const { heads, keyValueHeads, headSize, vocabSize } = language;
  if ((vision === undefined) !== (image === undefined)) {
    throw invalid(address, "vision tower and image policy come together or not at all");
  }
  if (heads % keyValueHeads !== 0) throw invalid(address, "heads do not divide evenly");
  if (headSize % 2 !== 0)
    throw invalid(address, "the head size is odd, rotary positions need pairs");
  const fault = vision && image ? sightFault(vision, image) : undefined;
  if (fault !== undefined) throw invalid(address, fault);
  if (logitsColumns > vocabSize) throw invalid(address, "more logits columns than head rows");
  const highest = Math.max(...Object.values(special), ...(decoding?.suppressed ?? []));
  if (highest >= logitsColumns) throw invalid(address, `special id ${highest} is no column`);
}

/** What can never be written fills no hole. */
function checkFiller({ read, architecture }: Bundle, address: string): void {
  if (read === undefined) return;
  const { filler } = read;
  if (filler >= architecture.logitsColumns) throw invalid(address, `filler ${filler} is no column`);
  const never = [...decodingOf(architecture).suppressed, architecture.special.mask];
  if (never.includes(filler))
    throw invalid(address, `filler ${filler} is a token that the model may never write`);
}

/** Says why a tower cannot look at pictures in this way; undefined where it can. */
function sightFault(vision: VisionTower, { aspect }: ImagePolicy): string | undefined {
  if (vision.kind === "conv") {
    return aspect === "anyres" ? "a tower of convolutions sees one view" : convTowerFault(vision);
  }
  if (vision.hiddenSize % vision.heads !== 0) return "vision heads do not divide evenly";
  return vision.patchSize > vision.imageSize ? "a patch is larger than a view" : undefined;
}

function checkStage(architecture: Architecture, stage: StageLayout, address: string): void {
  const where = `stage ${stage.name}`;
  const sum = stage.shards.reduce((total, shard) => total + shard.bytes, 0);
  if (sum !== stage.bytes) {
    throw invalid(address, `${where} has ${stage.bytes} bytes, its shards ${sum}`);
  }
  const specs = stageTensors(architecture, stage.name);
  const names = stage.tensors.map(({ name }) => name);
  if (names.join() !== specs.map(({ name }) => name).join()) {
    throw invalid(address, `${where} does not hold exactly the tensors of its architecture`);
  }
  let end = 0;
  for (const [index, { name, shape, encoding, block, data, scales }] of stage.tensors.entries()) {
    if (shape.join() !== specs[index]?.shape.join()) {
      throw invalid(address, `${where}: ${name} has shape [${shape.join(", ")}]`);
    }
    if (block !== undefined && encoding !== "q4") {
      throw invalid(address, `${where}: ${name} is ${encoding}, which has no block of its own`);
    }
    const sizes = encodedBytes(shape, encoding, block);
    if (data.bytes !== sizes.data || scales?.bytes !== sizes.scales) {
      throw invalid(address, `${where}: ${name} does not have the bytes of ${encoding}`);
    }
    for (const range of scales === undefined ? [data] : [data, scales]) {
      if (range.offset < end)
        throw invalid(address, `${where}: ${name} overlaps what is before it`);
      end = range.offset + range.bytes;
    }
  }
  if (end > stage.bytes) throw invalid(address, `${where}: tensors reach beyond the stage`);
}

function invalid(address: string, problem: string): WeightsError {
  return new WeightsError("manifest_invalid", `${address} ${UNUSABLE}: ${problem}`);
}
