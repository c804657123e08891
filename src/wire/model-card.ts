import { z } from "zod";
import { micros } from "#domain/micros.ts";
import type { ModelCard } from "#domain/quote.ts";
import { MAX_NAME_LENGTH } from "./limits.ts";
import { imagePolicySchema } from "./status.ts";

const side = z.int().min(1).max(16_384);
// Prices reach 2^53 pico-dollars, nine thousand dollars for one unit.
const picos = z.int().nonnegative().transform(BigInt);

/** What the edge is told of each model by name: how it sees pictures, and the unit prices in pico-dollars (10⁻¹² $), and in micro-dollars what a cached answer costs. */
export const modelCardsSchema: z.ZodType<Readonly<Record<string, ModelCard>>> = z
  .record(
    z.string().min(1).max(MAX_NAME_LENGTH),
    z.strictObject({
      image: imagePolicySchema
        .and(z.object({ view_pixels: side, patch_pixels: side }))
        .nullable()
        .default(null),
      price_picos: z.strictObject({ view: picos, linear: picos, attention: picos }),
      hit_micros: z.int().nonnegative().default(0).transform(micros),
    }),
  )
  .transform((cards) =>
    Object.fromEntries(
      Object.entries(cards).map(([id, { image, price_picos, hit_micros }]) => [
        id,
        {
          id,
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
      ]),
    ),
  );
