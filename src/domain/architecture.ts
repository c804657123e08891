import { type ConvTower, evidenceVectors, evidenceWidth } from "./conv-tower.ts";

/**
 * What a checkpoint's network looks like: every number that the graphs, the image path, the prompt and the decoder need.
 * Read from the checkpoint when it is converted and carried in the bundle's manifest; nothing is assumed about a
 * particular checkpoint anywhere else.
 */
export interface Architecture {
  readonly language: LanguageTower;
  /** Absent for a text-only checkpoint (LLaDA without the V). */
  readonly vision?: VisionTower;
  /** Absent exactly when `vision` is. */
  readonly image?: ImagePolicy;
  readonly prompt: PromptRules;
  /** Absent in a manifest from before these were told; such a model is decoded as LLaDA-V: read it through `decodingOf`. */
  readonly decoding?: DecodingRules;
  readonly special: SpecialTokens;
  /** Columns of the head that may be chosen: the tokenizer's length, or `vocabSize` for a bundle without tokenizer. */
  readonly logitsColumns: number;
}

/** The masked-diffusion transformer. Source: configuration_llada.py; all layers attend in both directions. */
export interface LanguageTower {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Divides `heads`; smaller means grouped-query attention. */
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly intermediateSize: number;
  /** Rows of the embedding table and of the head as stored. */
  readonly vocabSize: number;
  readonly ropeTheta: number;
  readonly rmsNormEpsilon: number;
}

/** What looks at pictures. A tower without a kind is a `PatchTower`, as all were in bundles of 0.1.0. */
export type VisionTower = PatchTower | ConvTower;

/** The SigLIP-shaped tower. `layers` counts those that run: the checkpoint's last configured layer is already gone. */
export interface PatchTower {
  readonly kind?: never;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  /** Side of the square view in pixels. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly layerNormEpsilon: number;
}

/**
 * What of a tower the number of a picture's vectors depends on: its view and patches, or the number of vectors that it makes of a
 * view where they are no patches.
 */
export type ViewRules =
  | Pick<PatchTower, "imageSize" | "patchSize">
  | { readonly imageSize: number; readonly vectors: number };

/** How a picture becomes one view or several. `stretch` came with `ConvTower`. */
export const imageAspects = ["anyres", "pad", "stretch"] as const;

/** How a picture becomes views and views become vectors. Source: mm_utils.py and llava_arch.py of LLaVA-NeXT / LLaDA-V. */
export interface ImagePolicy {
  /**
   * `anyres`: a stretched base view plus tiles of the best fitting grid. `pad`: one view of the picture squared with grey. `stretch`:
   * one view, the picture resized to the square.
   */
  readonly aspect: (typeof imageAspects)[number];
  /** Candidate canvases [width, height] in pixels, in the order in which ties are broken; none where there is one view only. */
  readonly gridPinpoints: readonly (readonly [width: number, height: number])[];
  /** N of `anyres_max_N`: tiles' features shrink until about N views' worth is left. */
  readonly maxTiles: number;
}

/** How a conversation becomes token ids. */
export interface PromptRules {
  /** Jinja source of the checkpoint's chat template; absent in a bundle that takes ids only. */
  readonly chatTemplate?: string;
  /** Text of the system message; empty means none is sent. */
  readonly systemPrompt: string;
  /** Longest prompt in positions, image vectors included; the reference silently truncates there. */
  readonly maxPromptLength: number;
}

/** How the checkpoint's own code fills a canvas where the request says nothing. */
export interface DecodingRules {
  /** Ids that a masked position may never become. */
  readonly suppressed: readonly number[];
  /** Positions per block; absent where the whole canvas is one. */
  readonly blockLength?: number;
}

/** Token ids by role. Source: tokenizer_config.json of the checkpoint; never literals in code. */
export interface SpecialTokens {
  readonly mask: number;
  readonly beginOfText: number;
  readonly endOfText: number;
  readonly startHeader: number;
  readonly endHeader: number;
  readonly endOfTurn: number;
}

/** Patches along one side of a view: the convolution is "valid", so left-over pixels at the right and bottom are unseen. */
export function patchesPerSide(vision: Pick<PatchTower, "imageSize" | "patchSize">): number {
  return Math.floor(vision.imageSize / vision.patchSize);
}

/** The tower's word on how many vectors a picture becomes. */
export function viewRules(tower: VisionTower): ViewRules {
  const { imageSize } = tower;
  return tower.kind === "conv"
    ? { imageSize, vectors: evidenceVectors(tower) }
    : { imageSize, patchSize: tower.patchSize };
}

/** P, vectors that one view becomes. */
export function viewVectors(rules: ViewRules): number {
  return "vectors" in rules ? rules.vectors : patchesPerSide(rules) ** 2;
}

/** Width of the vectors that leave a tower, before the projector. */
export function towerWidth(tower: VisionTower): number {
  return tower.kind === "conv" ? evidenceWidth(tower) : tower.hiddenSize;
}

/**
 * What the samplers of the two families do: LLaDA-V writes none of four ids (end of turn is not among them) and fills the
 * canvas as one block, LLaDA writes whatever is likeliest, block by block.
 * Sources: generate_with_embeds in modeling_llada.py of LLaDA-V; generate.py of LLaDA, and the settings of its instruct model in its evaluation.
 */
export function defaultDecoding(special: SpecialTokens, hasVision: boolean): DecodingRules {
  return hasVision
    ? {
        suppressed: [
          special.endOfText,
          special.beginOfText,
          special.startHeader,
          special.endHeader,
        ],
      }
    : { suppressed: [], blockLength: 32 };
}

/** The rules of a model, told or from before they were. */
export function decodingOf({
  decoding,
  special,
}: Pick<Architecture, "decoding" | "special">): DecodingRules {
  return decoding ?? defaultDecoding(special, true);
}
