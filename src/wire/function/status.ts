import * as z from "zod";
import { canvasRangeFault, UNTOLD_ABILITIES } from "#domain/abilities.ts";
import { type ImagePolicy, imageAspects } from "#domain/architecture.ts";
import { MAX_NUMERICS_LENGTH, type NumericsText } from "#domain/numerics.ts";
import type { UnitWork } from "#domain/unit-prices.ts";
import {
  MAX_ATTENTION_WORK,
  MAX_CANVAS,
  MAX_LINEAR_WORK,
  MAX_NAME_LENGTH,
  MAX_PINPOINTS,
  MAX_PROMPT_LENGTH,
  MAX_TILES,
  MAX_VIEW_SIDE,
  MAX_VIEW_WORK,
} from "../limits.ts";
import { type ReadBody, readBodySchema } from "../read-style.ts";

/** How much a function has to do at this moment. */
export interface FunctionLoad {
  /** Answers that are being made. */
  readonly running: number;
  /** Answers that are made at once at most. */
  readonly places: number;
  /** Questions that wait for a place. */
  readonly queued: number;
  /** Steps that all of them, running and waiting, still take if each goes on to its end. */
  readonly queued_steps: number;
}

/** The function's `GET /status`: how far its weights are, and how much it has to do. A function of before says nothing of its load. */
export interface FunctionStatus extends FunctionProgress, Partial<FunctionLoad> {}

/** How far a function's weights are. */
export interface FunctionProgress {
  readonly model: ModelName;
  readonly state: "loading" | "ready" | "failed";
  readonly loaded_bytes: number;
  readonly total_bytes: number;
  /** Seconds until the last byte at the present rate; null while the rate is unknown, 0 when ready. */
  readonly eta_seconds: number | null;
  /** Class of the arithmetic that its answers have (`numericsText`). Absent: a function of before, which says none. */
  readonly numerics?: NumericsText;
  /** Whether the process is to be replaced, and why: nothing in it can mend it. */
  readonly replace: boolean;
  readonly reason: string | null;
  /** Whether it was asked to end: it takes no new work. Absent: a function of before, which does not say. */
  readonly draining?: boolean;
}

export interface ModelName {
  readonly name: string;
  readonly version: string;
  /** Lower-case hex SHA-256 of the bundle's manifest. */
  readonly digest: string;
}

/** The function's `GET /v1/model`: what the loaded model can be asked. */
export interface ModelCard {
  readonly id: string;
  readonly digest: string;
  /** How pictures become vectors; null for a model that reads text only. */
  readonly image: ImagePolicyBody | null;
  /** Positions of a prompt, image vectors included. */
  readonly max_prompt_length: number;
  readonly canvas_limit: number;
  /** Positions of a canvas where the request names none, and the most that the model was trained for. */
  readonly canvas_default: number;
  readonly canvas_recommended: number;
  /** Positions per block where the request names none; null is the whole canvas. */
  readonly block_length: number | null;
  /** What it was trained with: system messages of the caller's own, several pictures, several turns. */
  readonly system_messages: boolean;
  readonly several_pictures: boolean;
  readonly several_turns: boolean;
  /** Execution provider: `cpu`, `webgpu`, … Answers of different providers may differ in their last bits. */
  readonly provider: string;
  /** How the weights are stored: `f32`, `f16`, `w8a8`, `q4`. */
  readonly format: string;
  /** Sides of a square view and of its patches in pixels; null for a model that reads text only. Absent where a function of before tells the card. */
  readonly vision?: VisionBody | null;
  /** What pictures the model is for; null where its maker does not say. Absent as `vision`. */
  readonly domain?: DomainBody | null;
  /** Whether confidences are calibrated, and below which an answer counts as none. Absent as `vision`. */
  readonly confidence?: ConfidenceBody;
  /** How values are read off pictures. Absent: a function of before, which reads none. */
  readonly read?: ReadBody;
  /** Multiply-adds of a view, of a position of a pass, and of a position looking at a position: what prices by default are made of. Absent as `vision`. */
  readonly work?: UnitWork;
}

/**
 * What of a vision tower the number of a picture's vectors depends on: sides of a view and of its patches, or the vectors that stand
 * for a view where they are no patches.
 */
export type VisionBody =
  | { readonly view_pixels: number; readonly patch_pixels: number }
  | { readonly view_pixels: number; readonly view_vectors: number };

/** The world of a model. */
export interface DomainBody {
  /** One sentence. */
  readonly description: string;
  /** What it knows the names of; null where that is not listed. */
  readonly things: readonly string[] | null;
  /** Whether it can tell from a picture that it is not of that world. */
  readonly scored: boolean;
}

/** What a confidence means. */
export interface ConfidenceBody {
  /** Whether it was fitted to how often answers are right. */
  readonly calibrated: boolean;
  /** Null: no confidence is too low. */
  readonly abstains_below: number | null;
}

/** The domain's `ImagePolicy` in wire names. */
export interface ImagePolicyBody {
  readonly aspect: ImagePolicy["aspect"];
  readonly grid_pinpoints: readonly (readonly [width: number, height: number])[];
  readonly max_tiles: number;
}

export const STATUS_PATH = "/status";
export const MODEL_CARD_PATH = "/v1/model";

/** Threat: text that moves a terminal's cursor, or ends a line of a log or a header. Controls, formats, lone surrogates and separators of lines are none of a name. */
const oneLine = z
  .string()
  .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, "holds characters that cannot be seen");
const name = oneLine.min(1).max(MAX_NAME_LENGTH);
const count = z.int().nonnegative();
const canvas = z.int().min(1).max(MAX_CANVAS);

const progress = z.object({
  model: z.object({ name, version: name, digest: name }),
  state: z.enum(["loading", "ready", "failed"]),
  loaded_bytes: count,
  total_bytes: count,
  eta_seconds: z.number().nonnegative().nullable(),
  numerics: z.string().max(MAX_NUMERICS_LENGTH).exactOptional(),
  replace: z.boolean().default(false),
  reason: z.string().max(MAX_NAME_LENGTH).nullable().default(null),
  draining: z.boolean().exactOptional(),
});

/** Reads a status without its load. Members that a newer function adds are dropped. */
export const functionProgressSchema: z.ZodType<FunctionProgress> = progress;

/** Reads all of a status. Members that a newer function adds are dropped. */
export const functionStatusSchema: z.ZodType<FunctionStatus> = progress.extend({
  running: count.exactOptional(),
  places: count.exactOptional(),
  queued: count.exactOptional(),
  queued_steps: count.exactOptional(),
});

const side = z.int().min(1).max(MAX_VIEW_SIDE);

export const imagePolicySchema: z.ZodType<ImagePolicyBody> = z
  .object({
    aspect: z.enum(imageAspects),
    grid_pinpoints: z.array(z.tuple([side, side])).max(MAX_PINPOINTS),
    max_tiles: z.int().min(1).max(MAX_TILES),
  })
  .refine(
    ({ aspect, grid_pinpoints }) => aspect !== "anyres" || grid_pinpoints.length > 0,
    "anyres needs a grid pinpoint",
  );

/** A card that prices a picture out of any prompt. LLaDA-V's view has 729 vectors; 65,536 is a patch for each pixel of 256 by 256. */
const MAX_VIEW_VECTORS = 65_536;

export const visionSchema: z.ZodType<VisionBody> = z.union([
  z
    .object({ view_pixels: side, patch_pixels: side })
    // A view without a patch has no vectors, and would cost nothing.
    .refine((view) => view.patch_pixels <= view.view_pixels, "a patch is larger than its view")
    .refine(
      (view) => Math.floor(view.view_pixels / view.patch_pixels) ** 2 <= MAX_VIEW_VECTORS,
      `has more than ${MAX_VIEW_VECTORS} patches`,
    ),
  z.object({ view_pixels: side, view_vectors: z.int().min(1).max(MAX_VIEW_VECTORS) }),
]);

const sentence = oneLine.max(512);

export const domainSchema: z.ZodType<DomainBody> = z.object({
  description: sentence,
  things: z.array(sentence).max(2048).nullable(),
  scored: z.boolean(),
});

export const confidenceSchema: z.ZodType<ConfidenceBody> = z.object({
  calibrated: z.boolean(),
  abstains_below: z.number().min(0).max(1).nullable(),
});

const toldCard = z.object({
  id: name,
  digest: name,
  image: imagePolicySchema.nullable(),
  max_prompt_length: z.int().min(1).max(MAX_PROMPT_LENGTH),
  canvas_limit: canvas,
  canvas_default: canvas.exactOptional(),
  canvas_recommended: canvas.exactOptional(),
  block_length: canvas.nullable().default(null),
  system_messages: z.boolean().default(UNTOLD_ABILITIES.systemMessages),
  several_pictures: z.boolean().default(UNTOLD_ABILITIES.severalPictures),
  several_turns: z.boolean().default(UNTOLD_ABILITIES.severalTurns),
  provider: name,
  format: name,
  vision: visionSchema.nullable().exactOptional(),
  domain: domainSchema.nullable().exactOptional(),
  confidence: confidenceSchema.exactOptional(),
  read: readBodySchema.exactOptional(),
  work: z
    .object({
      view: count.max(MAX_VIEW_WORK),
      // An answer that takes no work would be given away.
      linear: z.int().min(1).max(MAX_LINEAR_WORK),
      attention: z.int().min(1).max(MAX_ATTENTION_WORK),
    })
    .exactOptional(),
});

/** Why pictures cannot be cut into tiles for such a tower; undefined where they can, or are not to be. */
export function tilesFault({ aspect }: ImagePolicyBody, vision: VisionBody): string | undefined {
  return aspect === "anyres" && "view_vectors" in vision
    ? "anyres needs patches, which tiles can be joined of; this tower sees one view (view_vectors)"
    : undefined;
}

/** A function of before says nothing of what its model was trained for; then what is believed of such a model holds, as far as its canvas reaches. */
export const modelCardSchema: z.ZodType<ModelCard> = toldCard
  .transform((told): ModelCard => {
    const { standard, recommended } = UNTOLD_ABILITIES.canvas;
    const limit = told.canvas_limit;
    return {
      ...told,
      canvas_default: told.canvas_default ?? Math.min(standard, limit),
      canvas_recommended: told.canvas_recommended ?? Math.min(recommended, limit),
    };
  })
  .superRefine((card, context) => {
    const fault = canvasRangeFault({
      standard: card.canvas_default,
      recommended: card.canvas_recommended,
      limit: card.canvas_limit,
    });
    if (fault !== undefined)
      context.addIssue({ code: "custom", message: fault, path: ["canvas_default"] });
    const { image, vision } = card;
    const tiles = image === null || vision == null ? undefined : tilesFault(image, vision);
    if (tiles !== undefined)
      context.addIssue({ code: "custom", message: tiles, path: ["image", "aspect"] });
  });
