import * as z from "zod";
import { type Abilities, canvasRangeFault, UNTOLD_ABILITIES } from "#domain/abilities.ts";
import { type Micros, micros, ZERO } from "#domain/micros.ts";
import {
  type AnswerMode,
  answerModes,
  type RefreshRange,
  STANDARD_MODE,
  UNTOLD_REFRESH,
} from "#domain/modes.ts";
import type { ModelCard, UnitPrices } from "#domain/quote.ts";
import type { ReadStyle } from "#domain/read-style.ts";
import { defaultPrices } from "#domain/unit-prices.ts";
import type { ImageRules } from "#domain/work.ts";
import { sha256Hex } from "../codec/digest.ts";
import { MAX_CANVAS, MAX_NAME_LENGTH } from "../limits.ts";
import { readStyleSchema } from "../read-style.ts";
import {
  type ImagePolicyBody,
  imagePolicySchema,
  type ModelCard as ToldCard,
  tilesFault,
  type VisionBody,
  visionSchema,
} from "./status.ts";

/** What an installation says of a model otherwise than its function: every member that is there holds. */
export interface CardOverride {
  readonly image?: ImageRules | null;
  readonly abilities?: Partial<Abilities>;
  readonly blockLength?: number | null;
  readonly mode?: AnswerMode;
  readonly refresh?: RefreshRange;
  /** How it is asked for values while its function cannot be heard: that one's word holds. */
  readonly read?: ReadStyle;
  readonly prices?: UnitPrices;
  readonly hitPrice?: Micros;
  /** Whether its bundle is given out to who may ask it; absent: it is not. */
  readonly isDownloadable?: boolean;
}

// Prices reach 2^53 pico-dollars, nine thousand dollars for one unit.
const picos = z.int().nonnegative().transform(BigInt);

const positions = z.int().min(1).max(MAX_CANVAS);

const abilities = z
  .strictObject({
    canvas: z
      .strictObject({ default: positions, recommended: positions, limit: positions })
      .transform(({ default: standard, ...rest }) => ({ standard, ...rest }))
      .superRefine((range, context) => {
        const fault = canvasRangeFault(range);
        if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
      })
      .exactOptional(),
    system_messages: z.boolean().exactOptional(),
    several_pictures: z.boolean().exactOptional(),
    several_turns: z.boolean().exactOptional(),
  })
  .transform(
    ({ canvas, system_messages, several_pictures, several_turns }): Partial<Abilities> => ({
      ...(canvas === undefined ? {} : { canvas }),
      ...(system_messages === undefined ? {} : { systemMessages: system_messages }),
      ...(several_pictures === undefined ? {} : { severalPictures: several_pictures }),
      ...(several_turns === undefined ? {} : { severalTurns: several_turns }),
    }),
  );

const image = z
  .intersection(imagePolicySchema, visionSchema)
  .superRefine((body, context) => {
    const fault = tilesFault(body, body);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault, path: ["aspect"] });
  })
  .transform((body) => imageRules(body, body));

const override: z.ZodType<CardOverride> = z
  .strictObject({
    image: image.nullable().exactOptional(),
    abilities: abilities.exactOptional(),
    block_length: positions.nullable().exactOptional(),
    mode: z.enum(answerModes).exactOptional(),
    refresh: z
      .strictObject({ default: positions, limit: positions })
      .refine((range) => range.default <= range.limit, "its default is above its limit")
      .transform(({ default: standard, limit }) => ({ standard, limit }))
      .exactOptional(),
    read: readStyleSchema.exactOptional(),
    price_picos: z.strictObject({ view: picos, linear: picos, attention: picos }).exactOptional(),
    hit_micros: z.int().nonnegative().transform(micros).exactOptional(),
    downloadable: z.boolean().exactOptional(),
  })
  .transform(({ block_length, price_picos, hit_micros, downloadable, ...same }) => ({
    ...same,
    ...(block_length === undefined ? {} : { blockLength: block_length }),
    ...(price_picos === undefined ? {} : { prices: price_picos }),
    ...(hit_micros === undefined ? {} : { hitPrice: hit_micros }),
    ...(downloadable === undefined ? {} : { isDownloadable: downloadable }),
  }));

/**
 * What the edge is told of models by name beside what their functions tell: how they see pictures, what they were trained for,
 * their unit prices in pico-dollars (10⁻¹² $), in micro-dollars what a cached answer costs, and whether their weights are given out.
 */
export const modelCardsSchema: z.ZodType<Readonly<Record<string, CardOverride>>> = z.record(
  z.string().min(1).max(MAX_NAME_LENGTH),
  override,
);

/**
 * Makes the card by which a model is asked and priced here: what its function tells, and over it what the installation says.
 * How pictures become vectors the function alone decides, so its word on that holds. Undefined where a function of before tells
 * too little to price by, and the installation does not say it.
 */
export function mergedCard(told: ToldCard, own: CardOverride = {}): ModelCard | undefined {
  const toldRules = toldImage(told);
  const image = toldRules === undefined ? own.image : toldRules;
  const prices =
    own.prices ?? (told.work === undefined ? undefined : defaultPrices(told.work, told.provider));
  if (image === undefined || prices === undefined) return undefined;
  return {
    id: told.id,
    image,
    abilities: { ...toldAbilities(told), ...own.abilities },
    blockLength: own.blockLength === undefined ? told.block_length : own.blockLength,
    ...(told.read === undefined ? {} : { read: told.read.style }),
    ...(told.read?.places === undefined ? {} : { places: told.read.places }),
    ...termsOf(own),
    prices,
  };
}

/** The card of a model whose function cannot be heard; undefined unless the installation says both how it sees pictures and its prices. */
export function cardAlone(id: string, own: CardOverride): ModelCard | undefined {
  const { image, prices, read, blockLength = null } = own;
  if (image === undefined || prices === undefined) return undefined;
  const abilities = { ...UNTOLD_ABILITIES, ...own.abilities };
  const asked = read === undefined ? {} : { read };
  return { id, image, abilities, blockLength, ...asked, ...termsOf(own), prices };
}

function toldAbilities(told: ToldCard): Abilities {
  return {
    canvas: {
      standard: told.canvas_default,
      recommended: told.canvas_recommended,
      limit: told.canvas_limit,
    },
    systemMessages: told.system_messages,
    severalPictures: told.several_pictures,
    severalTurns: told.several_turns,
  };
}

function toldImage({ image, vision }: ToldCard): ImageRules | null | undefined {
  if (image === null) return null;
  return vision == null ? undefined : imageRules(image, vision);
}

function imageRules(policy: ImagePolicyBody, vision: VisionBody): ImageRules {
  return {
    policy: {
      aspect: policy.aspect,
      gridPinpoints: policy.grid_pinpoints,
      maxTiles: policy.max_tiles,
    },
    vision:
      "view_vectors" in vision
        ? { imageSize: vision.view_pixels, vectors: vision.view_vectors }
        : { imageSize: vision.view_pixels, patchSize: vision.patch_pixels },
  };
}

function termsOf({
  mode = STANDARD_MODE,
  refresh = UNTOLD_REFRESH,
  hitPrice = ZERO,
}: CardOverride): Pick<ModelCard, "mode" | "refresh" | "hitPrice"> {
  return { mode, refresh, hitPrice };
}

/**
 * Names a card by everything that it says: 16 hex digits. Two questions that are read and priced by cards of one name cost the
 * same. Nobody gains by two cards of one name, so 64 bits are enough.
 */
export async function cardDigest(card: ModelCard): Promise<string> {
  const text = JSON.stringify(card, (_, value: unknown) =>
    typeof value === "bigint"
      ? String(value)
      : typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : value,
  );
  return (await sha256Hex(new TextEncoder().encode(text))).slice(0, 16);
}
