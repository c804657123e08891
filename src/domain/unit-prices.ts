import {
  type Architecture,
  type PatchTower,
  patchesPerSide,
  towerWidth,
  type VisionTower,
  viewRules,
  viewVectors,
} from "./architecture.ts";
import { type ConvTower, convolutionsOf, evidenceVectors, tapWidth } from "./conv-tower.ts";
import type { UnitPrices } from "./quote.ts";

/** Multiply-adds of one unit of each kind of work: what a model's prices are in proportion to. */
export interface UnitWork {
  /** One view through the vision tower and the projector; 0 for a model that reads text only. */
  readonly view: number;
  /** One position of one pass through all linear layers and the head. */
  readonly linear: number;
  /** One position of one pass looking at one position, in all layers. */
  readonly attention: number;
}

/** Counts the multiply-adds of a network's matrix products; norms, activations and rotations are none of them and take a hundredth. */
export function unitWork({ language, vision }: Architecture): UnitWork {
  const { hiddenSize, layers, heads, keyValueHeads, headSize, intermediateSize, vocabSize } =
    language;
  const projections = hiddenSize * headSize * 2 * (heads + keyValueHeads);
  const feedForward = 3 * hiddenSize * intermediateSize;
  return {
    view: vision === undefined ? 0 : viewWork(vision, hiddenSize),
    linear: layers * (projections + feedForward) + hiddenSize * vocabSize,
    attention: layers * 2 * heads * headSize,
  };
}

function viewWork(tower: VisionTower, languageSize: number): number {
  const projector = towerWidth(tower) * languageSize + languageSize ** 2;
  const projected = viewVectors(viewRules(tower)) * projector;
  return projected + (tower.kind === "conv" ? convWork(tower) : patchWork(tower));
}

function patchWork(tower: PatchTower): number {
  const { hiddenSize, layers, intermediateSize, patchSize } = tower;
  const patches = patchesPerSide(tower) ** 2;
  const layer = 4 * hiddenSize ** 2 + 2 * hiddenSize * intermediateSize + 2 * patches * hiddenSize;
  const embedding = 3 * patchSize ** 2 * hiddenSize;
  return patches * (embedding + layers * layer);
}

function convWork(tower: ConvTower): number {
  const trunk = convolutionsOf(tower).reduce(
    (sum, { inputs, outputs, kernel, isDepthwise, sideOut }) => {
      const weights = outputs * (isDepthwise ? 1 : inputs) * kernel ** 2;
      return sum + weights * sideOut ** 2;
    },
    0,
  );
  const { classes, concepts, readerWidth } = tower.evidence;
  const named = classes * (tower.headChannels + concepts);
  const read = readerWidth * (tower.headChannels + tapWidth(tower) + concepts + 2);
  return trunk + evidenceVectors(tower) * (named + read);
}

/**
 * What 10⁹ multiply-adds cost by provider, in pico-dollars, where an installation's settings say nothing else: the hour of the
 * machine that computes, over what it computes in an hour at the rate that answers reach, not its data sheet.
 *
 * - `cuda`: 2.50 $ an hour for a rented H100, 93 · 10¹² multiply-adds a second (186 TFLOP/s, a fifth of its dense f16 peak, since a
 *   denoising step has a few hundred rows).
 * - `webgpu`: the same card at a third of that rate, which is what its kernels are meant to reach beside CUDA's.
 * - `cpu`: 0.045 $ an hour for a rented core with AVX-512 VNNI, 120 · 10⁹ multiply-adds a second in 8 bits: infra/docs/figures.md, an
 *   8B's layer over 1,032 positions in 1.87 s.
 * - `wasm`: the same core at a quarter of that rate: no 8-bit dot products, one thread.
 */
export const PICOS_PER_GIGA: Readonly<Record<string, number>> = {
  cuda: 7_500,
  webgpu: 22_500,
  cpu: 105_000,
  wasm: 420_000,
};

/** For a provider that only a newer function knows: the dearest, since an answer that costs less than its quote harms nobody. */
const UNKNOWN_PICOS: number = Math.max(...Object.values(PICOS_PER_GIGA));

/** Prices a model's units of work on a provider, rounded up to whole pico-dollars. */
export function defaultPrices(work: UnitWork, provider: string): UnitPrices {
  const rate = Object.hasOwn(PICOS_PER_GIGA, provider) ? PICOS_PER_GIGA[provider] : undefined;
  const picos = (multiplyAdds: number): bigint =>
    BigInt(Math.ceil((multiplyAdds * (rate ?? UNKNOWN_PICOS)) / 1e9));
  return {
    view: picos(work.view),
    linear: picos(work.linear),
    attention: picos(work.attention),
  };
}
