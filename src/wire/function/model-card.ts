import { z } from "zod";
import { type Abilities, canvasRangeFault, UNTOLD_ABILITIES } from "#domain/abilities.ts";
import { micros } from "#domain/micros.ts";
import { answerModes, STANDARD_MODE, UNTOLD_REFRESH } from "#domain/modes.ts";
import type { ModelCard } from "#domain/quote.ts";
import { MAX_CANVAS, MAX_NAME_LENGTH } from "../limits.ts";
import { imagePolicySchema, type ModelCard as ToldCard } from "./status.ts";

const side = z.int().min(1).max(16_384);
// Prices reach 2^53 pico-dollars, nine thousand dollars for one unit.
const picos = z.int().nonnegative().transform(BigInt);

const positions = z.int().min(1).max(MAX_CANVAS);

/** What is left out is believed to be as `UNTOLD_ABILITIES` has it. */
const abilities = z
  .strictObject({
    canvas: z
      .strictObject({ default: positions, recommended: positions, limit: positions })
      .transform(({ default: standard, ...rest }) => ({ standard, ...rest }))
      .superRefine((range, context) => {
        const fault = canvasRangeFault(range);
        if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
      })
      .default(UNTOLD_ABILITIES.canvas),
    system_messages: z.boolean().default(UNTOLD_ABILITIES.systemMessages),
    several_pictures: z.boolean().default(UNTOLD_ABILITIES.severalPictures),
    several_turns: z.boolean().default(UNTOLD_ABILITIES.severalTurns),
  })
  .transform(
    ({ canvas, system_messages, several_pictures, several_turns }): Abilities => ({
      canvas,
      systemMessages: system_messages,
      severalPictures: several_pictures,
      severalTurns: several_turns,
    }),
  );

/** What the edge is told of each model by name: how it sees pictures, what it was trained for, and the unit prices in pico-dollars (10⁻¹² $), and in micro-dollars what a cached answer costs. */
export const modelCardsSchema: z.ZodType<Readonly<Record<string, ModelCard>>> = z
  .record(
    z.string().min(1).max(MAX_NAME_LENGTH),
    z.strictObject({
      image: imagePolicySchema
        .and(z.object({ view_pixels: side, patch_pixels: side }))
        .nullable()
        .default(null),
      abilities: abilities.default(UNTOLD_ABILITIES),
      block_length: positions.nullable().default(null),
      mode: z.enum(answerModes).default(STANDARD_MODE),
      refresh: z
        .strictObject({ default: positions, limit: positions })
        .refine((range) => range.default <= range.limit, "its default is above its limit")
        .transform(({ default: standard, limit }) => ({ standard, limit }))
        .default(UNTOLD_REFRESH),
      price_picos: z.strictObject({ view: picos, linear: picos, attention: picos }),
      hit_micros: z.int().nonnegative().default(0).transform(micros),
    }),
  )
  .transform((cards) =>
    Object.fromEntries(
      Object.entries(cards).map(
        ([id, { image, abilities, block_length, mode, refresh, price_picos, hit_micros }]) => [
          id,
          {
            id,
            abilities,
            blockLength: block_length,
            mode,
            refresh,
            prices: price_picos,
            hitPrice: hit_micros,
            image:
              image === null
                ? null
                : {
                    policy: {
                      aspect: image.aspect,
                      gridPinpoints: image.grid_pinpoints,
                      maxTiles: image.max_tiles,
                    },
                    vision: { imageSize: image.view_pixels, patchSize: image.patch_pixels },
                  },
          },
        ],
      ),
    ),
  );

/**
 * Names what a function says of its model otherwise than the card by which the edge prices it. The card holds all the same,
 * or a quote would not be the charge; but such an installation is to be mended, and is not to go on silently.
 */
export function cardDifferences(own: ModelCard, told: ToldCard): string[] {
  const { canvas, systemMessages, severalPictures, severalTurns } = own.abilities;
  const policy = own.image?.policy;
  const pairs: readonly (readonly [name: string, own: unknown, told: unknown])[] = [
    ["id", own.id, told.id],
    [
      "image",
      policy === undefined ? null : [policy.aspect, policy.gridPinpoints, policy.maxTiles],
      told.image === null
        ? null
        : [told.image.aspect, told.image.grid_pinpoints, told.image.max_tiles],
    ],
    ["canvas.default", canvas.standard, told.canvas_default],
    ["canvas.recommended", canvas.recommended, told.canvas_recommended],
    ["canvas.limit", canvas.limit, told.canvas_limit],
    ["block_length", own.blockLength, told.block_length],
    ["system_messages", systemMessages, told.system_messages],
    ["several_pictures", severalPictures, told.several_pictures],
    ["several_turns", severalTurns, told.several_turns],
  ];
  return pairs.flatMap(([name, ours, theirs]) => {
    const texts = [JSON.stringify(ours), JSON.stringify(theirs)];
    return texts[0] === texts[1] ? [] : [`${name} is ${texts[0]} here and ${texts[1]} there`];
  });
}
