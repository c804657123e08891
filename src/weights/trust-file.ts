import * as z from "zod";
import type {
  Abstention,
  Calibration,
  Domain,
  DomainScore,
  Reduction,
  Statistic,
  Trust,
} from "#domain/trust.ts";
import {
  MAX_DIMENSION,
  MAX_DOMAIN_NUMBERS,
  MAX_DOMAIN_STATISTICS,
  MAX_DOMAIN_THINGS,
  MAX_SENTENCES,
} from "./limits.ts";
import { parseAs } from "./parse-json.ts";
import { sentence } from "./sentence.ts";

const index = z.number().int().min(0).max(MAX_DIMENSION);
const count = z.number().int().min(1).max(MAX_DIMENSION);
const span = z
  .tuple([index, index])
  .readonly()
  .refine(
    ([from, to]) => from < to,
    "is empty: it goes from the first to the one before the second",
  );
const axis = { over: z.enum(["positions", "channels"]) };

const reduction: z.ZodType<Reduction> = z.discriminatedUnion("by", [
  z.strictObject({ ...axis, by: z.literal("mean") }),
  z.strictObject({ ...axis, by: z.literal("deviation") }),
  z.strictObject({ ...axis, by: z.literal("best"), count }),
  z.strictObject({ ...axis, by: z.literal("rank"), rank: count }),
  z.strictObject({ ...axis, by: z.literal("below"), bound: z.number() }),
]);

const statistic: z.ZodType<Statistic> = z.strictObject({
  positions: span.exactOptional(),
  channels: span.exactOptional(),
  reduce: z.array(reduction).max(2).readonly(),
  log: z.number().positive().exactOptional(),
});

const numbers = z.array(z.number()).min(1).max(MAX_DOMAIN_NUMBERS).readonly();

const score: z.ZodType<DomainScore> = z
  .strictObject({
    statistics: z.array(statistic).min(1).max(MAX_DOMAIN_STATISTICS).readonly(),
    mean: numbers,
    deviation: z.array(z.number().positive()).min(1).max(MAX_DOMAIN_NUMBERS).readonly(),
    weight: numbers,
    limit: z.number().positive(),
    bias: z.number(),
    threshold: z.number(),
  })
  .refine(
    ({ mean, deviation, weight }) =>
      mean.length === weight.length && deviation.length === weight.length,
    "mean, deviation and weight have not the same length",
  );

/** Schema of a manifest's `domain`. */
export const domainSchema: z.ZodType<Domain> = z.strictObject({
  description: sentence,
  things: z.array(sentence).min(1).max(MAX_DOMAIN_THINGS).readonly().exactOptional(),
  score: score.exactOptional(),
});

/** Schema of a manifest's `calibration`. */
export const calibrationSchema: z.ZodType<Calibration> = z.strictObject({
  temperature: z.number().positive(),
  shift: z.number(),
  domain: z
    .strictObject({ weight: z.number().nonnegative(), limit: z.number().positive() })
    .exactOptional(),
});

/** Schema of a manifest's `abstention`. */
export const abstentionSchema: z.ZodType<Abstention> = z.strictObject({
  sentences: z.array(sentence).max(MAX_SENTENCES).readonly(),
  below: z.number().min(0).max(1),
});

/** The same as a file of its own, beside a checkpoint. */
const trustSchema: z.ZodType<Trust> = z.strictObject({
  domain: domainSchema.exactOptional(),
  calibration: calibrationSchema.exactOptional(),
  abstention: abstentionSchema.exactOptional(),
});

/** Reads the file from hostile bytes. Throws WeightsError `manifest_invalid` that says what is wrong where. */
export function parseTrust(bytes: Uint8Array, address: string): Trust {
  return parseAs(trustSchema, bytes, address, "says nothing that can be used");
}
