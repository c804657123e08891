import * as z from "zod";
import { type RetentionBody, retentionSchema } from "../retention-body.ts";
import type { KeyEnvironment, KeyScope } from "./key.ts";
import { KEY_SCOPES } from "./key.ts";
import { microsSchema, type RateLimitsBody, rateLimitsSchema } from "./limits-body.ts";

/** An account as its holder sees it. */
export interface OwnAccountBody extends StandingBody {
  readonly id: string;
  readonly object: "account";
  readonly name: string;
  /** Of all its keys together. */
  readonly limits: RateLimitsBody;
  readonly credit_low_micros: number | null;
  /** How long what is asked now is kept. */
  readonly retention: RetentionBody;
  readonly created_at: string;
  /** Where credit is bought; null where the installation has no such place. */
  readonly top_up: { readonly url: string } | null;
  /** The key that asks, or that the session was opened with; null where the administrator opened it. */
  readonly key: AskingKeyBody | null;
}

/** Where an account's money stands, and how long it lasts. */
export interface StandingBody {
  readonly balance: BalanceBody;
  readonly forecast: ForecastBody;
}

export interface BalanceBody {
  readonly available_micros: number;
  /** Set aside for answers in the making. */
  readonly held_micros: number;
  /** Charged so far, less what was given back. */
  readonly spent_micros: number;
  /** What was given back to the payer, or disputed, after it was spent: whatever makes credit available pays it first. */
  readonly owed_micros: number;
}

/** As `Forecast` of the domain, in wire names. */
export interface ForecastBody {
  readonly days_observed: number;
  readonly spend_per_day_micros: number;
  readonly days_left: number | null;
  /** RFC 3339, UTC; null where nothing is spent, or what is left lasts for longer than a hundred years. */
  readonly empty_at: string | null;
}

export interface AskingKeyBody {
  readonly id: string;
  readonly name: string;
  readonly environment: KeyEnvironment;
  readonly scopes: readonly KeyScope[];
}

/** Schemas of where the money stands, by field. */
export const standingFields: {
  readonly [Field in keyof StandingBody]: z.ZodType<StandingBody[Field]>;
} = {
  balance: z.strictObject({
    available_micros: microsSchema,
    held_micros: microsSchema,
    spent_micros: microsSchema,
    owed_micros: microsSchema.meta({
      description:
        "Given back to the payer, or disputed, after it was spent; the next credit pays it first.",
    }),
  }),
  forecast: z.strictObject({
    days_observed: z.number().min(1),
    spend_per_day_micros: microsSchema,
    days_left: z.number().nonnegative().nullable().meta({
      description: "At the mean of the last seven days; null where nothing is spent.",
    }),
    empty_at: z.iso.datetime().nullable(),
  }),
};

export const ownAccountSchema: z.ZodType<OwnAccountBody> = z
  .strictObject({
    id: z.string(),
    object: z.literal("account"),
    name: z.string(),
    limits: rateLimitsSchema,
    credit_low_micros: microsSchema.nullable(),
    retention: retentionSchema,
    created_at: z.iso.datetime(),
    ...standingFields,
    top_up: z.strictObject({ url: z.string() }).nullable(),
    key: z
      .strictObject({
        id: z.string(),
        name: z.string(),
        environment: z.enum(["live", "test"]),
        scopes: z.array(z.enum(KEY_SCOPES)),
      })
      .nullable(),
  })
  .meta({ id: "OwnAccount" });
