import * as z from "zod";
import type { KeyLimits, RateLimits, SubjectLimits } from "#domain/limits.ts";
import { MAX_MICROS, type Micros, micros, toNumber } from "#domain/micros.ts";
import { jsonText } from "../../codec/json-text.ts";

/** How fast answers may be asked for, in wire names. */
export interface RateLimitsBody {
  readonly requests_per_minute: number;
  readonly steps_per_minute: number;
  readonly concurrent: number;
}

/** What one key may do, in wire names; null is no limit of its own. */
export interface KeyLimitsBody extends RateLimitsBody {
  readonly spend_per_day_micros: number | null;
  readonly spend_per_month_micros: number | null;
}

/** As `SubjectLimits`, in wire names. */
export interface SubjectLimitsBody {
  readonly requests_per_minute?: number;
  readonly steps_per_minute?: number;
  readonly spend_per_day_micros?: number;
}

/** Renders the limits of an account. */
export function rateLimitsBody(limits: RateLimits): RateLimitsBody {
  return {
    requests_per_minute: limits.requestsPerMinute,
    steps_per_minute: limits.stepsPerMinute,
    concurrent: limits.concurrent,
  };
}

/** Renders the limits of a key. */
export function keyLimitsBody(limits: KeyLimits): KeyLimitsBody {
  return {
    ...rateLimitsBody(limits),
    spend_per_day_micros: numberOrNull(limits.spendPerDayMicros),
    spend_per_month_micros: numberOrNull(limits.spendPerMonthMicros),
  };
}

/** Reads the limits of an account. */
export function rateLimitsOf(body: RateLimitsBody): RateLimits {
  return {
    requestsPerMinute: body.requests_per_minute,
    stepsPerMinute: body.steps_per_minute,
    concurrent: body.concurrent,
  };
}

/** Reads the limits of a key. */
export function keyLimitsOf(body: KeyLimitsBody): KeyLimits {
  return {
    ...rateLimitsOf(body),
    spendPerDayMicros: microsOrNull(body.spend_per_day_micros),
    spendPerMonthMicros: microsOrNull(body.spend_per_month_micros),
  };
}

/** Reads the limits of a subject. */
export function subjectLimitsOf(body: SubjectLimitsBody): SubjectLimits {
  const { requests_per_minute, steps_per_minute, spend_per_day_micros: spend } = body;
  return {
    requestsPerMinute: requests_per_minute ?? null,
    stepsPerMinute: steps_per_minute ?? null,
    spendPerDayMicros: microsOrNull(spend ?? null),
  };
}

/** Renders the limits of a subject. */
export function subjectLimitsBody(limits: SubjectLimits): SubjectLimitsBody {
  const { requestsPerMinute, stepsPerMinute, spendPerDayMicros: spend } = limits;
  return {
    ...(requestsPerMinute === null ? {} : { requests_per_minute: requestsPerMinute }),
    ...(stepsPerMinute === null ? {} : { steps_per_minute: stepsPerMinute }),
    ...(spend === null ? {} : { spend_per_day_micros: toNumber(spend) }),
  };
}

function numberOrNull(amount: Micros | null): number | null {
  return amount === null ? null : toNumber(amount);
}

function microsOrNull(amount: number | null): Micros | null {
  return amount === null ? null : micros(amount);
}

/** Threat: a limit so large that counting up to it overflows nothing but means nothing. A million a minute is 17,000 a second. */
const MAX_RATE = 1_000_000;

const rate = z.int().min(1).max(MAX_RATE);

/** Schema of an amount of money: whole micro-dollars. */
export const microsSchema: z.ZodType<number> = z.int().min(0).max(Number(MAX_MICROS));

export const rateLimitsSchema: z.ZodType<RateLimitsBody> = z
  .strictObject({ requests_per_minute: rate, steps_per_minute: rate, concurrent: rate })
  .meta({ id: "RateLimits" });

/** Schema of some of an account's limits; the others stay as they are. */
export const someRateLimitsSchema: z.ZodType<Partial<RateLimitsBody>> = z
  .strictObject({
    requests_per_minute: rate.exactOptional(),
    steps_per_minute: rate.exactOptional(),
    concurrent: rate.exactOptional(),
  })
  .meta({ id: "SomeRateLimits" });

export const keyLimitsSchema: z.ZodType<KeyLimitsBody> = z
  .strictObject({
    requests_per_minute: rate,
    steps_per_minute: rate,
    concurrent: rate,
    spend_per_day_micros: microsSchema.nullable(),
    spend_per_month_micros: microsSchema.nullable(),
  })
  .meta({ id: "KeyLimits", description: "Days and months are those of UTC; null: no limit." });

/** Schema of some of a key's limits; the others stay as they are, or as the installation sets them. */
export const someKeyLimitsSchema: z.ZodType<Partial<KeyLimitsBody>> = z
  .strictObject({
    requests_per_minute: rate.exactOptional(),
    steps_per_minute: rate.exactOptional(),
    concurrent: rate.exactOptional(),
    spend_per_day_micros: microsSchema.nullable().exactOptional(),
    spend_per_month_micros: microsSchema.nullable().exactOptional(),
  })
  .meta({ id: "SomeKeyLimits" });

/** Schema of the limits of a subject. */
export const subjectLimitsSchema: z.ZodType<SubjectLimitsBody> = z
  .strictObject({
    requests_per_minute: rate.exactOptional(),
    steps_per_minute: rate.exactOptional(),
    spend_per_day_micros: microsSchema.exactOptional(),
  })
  .meta({
    id: "SubjectLimits",
    description:
      "What its subject may take together with every token, besides what the key may; without a subject, the token.",
  });

/** Schema of limits given as JSON text in a setting. */
export const rateLimitsText: z.ZodType<RateLimits, string> = jsonText(
  rateLimitsSchema.transform(rateLimitsOf),
);
