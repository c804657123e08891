import * as z from "zod";
import { MAX_MICROS } from "#domain/micros.ts";
import { MAX_NAME_LENGTH } from "../../limits.ts";
import { type Page, type PageQuery, pageFields, pageSchema } from "../page.ts";
import { type RetentionBody, someRetentionSchema } from "../retention-body.ts";
import {
  microsSchema,
  type RateLimitsBody,
  rateLimitsSchema,
  someRateLimitsSchema,
} from "./limits-body.ts";

/** An account: whose money it is. */
export interface AccountBody {
  readonly id: string;
  readonly object: "account";
  readonly name: string;
  readonly limits: RateLimitsBody;
  readonly stripe_customer_id: string | null;
  /** Below so much available credit the account is told `credit.low`, once; null: it is not. */
  readonly credit_low_micros: number | null;
  /** How long its own is kept; what is absent is the installation's. */
  readonly retention: Partial<RetentionBody>;
  /** RFC 3339, UTC. */
  readonly created_at: string;
}

/** Body of `POST /v1/accounts`. */
export interface CreateAccountBody {
  /** Drawn when absent. */
  readonly id?: string;
  readonly name: string;
  /** The installation's when absent. */
  readonly limits?: RateLimitsBody;
  /** Whom the optional export of meter events bills. */
  readonly stripe_customer_id?: string;
}

/** What `PATCH /v1/accounts/{id}` changes; what is absent stays. */
export interface ChangeAccountBody {
  readonly limits?: Partial<RateLimitsBody>;
  /** Null: nobody is billed by the export any more. */
  readonly stripe_customer_id?: string | null;
  /** Null: the account is not told any more. */
  readonly credit_low_micros?: number | null;
  /** For what is asked from then on. Null: the installation's times again. */
  readonly retention?: Partial<RetentionBody> | null;
}

/** Body of `POST /v1/accounts/{id}/grants`. */
export interface GrantBody {
  readonly amount_micros: number;
  /** Name of this grant: the same one sent again changes nothing. Drawn when absent. */
  readonly id?: string;
}

/** What stands on an account after a grant. */
export interface GrantedBody {
  readonly object: "grant";
  readonly id: string;
  readonly account: string;
  readonly amount_micros: number;
  /** Whether it was given before under this id: then nothing was added now. */
  readonly repeated: boolean;
}

/** Body of `POST /v1/accounts/{id}/refunds`. */
export interface RefundBody {
  /** Id of the answer whose charge is given back. */
  readonly answer: string;
  readonly amount_micros: number;
  /** Name of this refund: the same one sent again changes nothing. Drawn when absent. */
  readonly id?: string;
}

/** What stands on an account after a refund. */
export interface RefundedBody {
  readonly object: "refund";
  readonly id: string;
  readonly account: string;
  readonly answer: string;
  readonly amount_micros: number;
  /** Whether it was given before under this id: then nothing was given back now. */
  readonly repeated: boolean;
}

/** Schema of ids that callers may choose. */
export const chosenIdSchema: z.ZodType<string> = z
  .string()
  .regex(/^[0-9A-Za-z_-]{1,64}$/, "must be 1 to 64 letters, digits, _ or -");

const movedMicrosSchema: z.ZodType<number> = z
  .int()
  .min(1)
  .max(Number(MAX_MICROS))
  .meta({ description: "1,000,000 are one dollar." });

const repeated = z
  .boolean()
  .meta({ description: "It was given before under this id: nothing was added now." });

const name = z.string().regex(/\S/, "must not be blank").max(MAX_NAME_LENGTH);

export const createAccountSchema: z.ZodType<CreateAccountBody> = z
  .strictObject({
    id: chosenIdSchema.exactOptional(),
    name,
    limits: rateLimitsSchema.exactOptional(),
    stripe_customer_id: chosenIdSchema.exactOptional(),
  })
  .meta({ id: "CreateAccount", example: { name: "Ada's shop" } });

/** Schemas of an account, by field. */
export const accountFields: {
  readonly [Field in keyof AccountBody]: z.ZodType<AccountBody[Field]>;
} = {
  id: z.string(),
  object: z.literal("account"),
  name: z.string(),
  limits: rateLimitsSchema,
  stripe_customer_id: z.string().nullable(),
  credit_low_micros: microsSchema.nullable(),
  retention: someRetentionSchema,
  created_at: z.iso.datetime(),
};

export const accountSchema: z.ZodType<AccountBody> = z
  .strictObject(accountFields)
  .meta({ id: "Account" });

export const changeAccountSchema: z.ZodType<ChangeAccountBody> = z
  .strictObject({
    limits: someRateLimitsSchema.exactOptional(),
    stripe_customer_id: chosenIdSchema.nullable().exactOptional(),
    credit_low_micros: movedMicrosSchema.nullable().exactOptional(),
    retention: someRetentionSchema.nullable().exactOptional(),
  })
  .meta({ id: "ChangeAccount", example: { limits: { concurrent: 64 } } });

export const accountListSchema: z.ZodType<Page<AccountBody>> = pageSchema(
  accountSchema,
  "AccountList",
);

export const accountListQuerySchema: z.ZodType<PageQuery> = z.strictObject(pageFields);

export const grantSchema: z.ZodType<GrantBody> = z
  .strictObject({ amount_micros: movedMicrosSchema, id: chosenIdSchema.exactOptional() })
  .meta({ id: "CreateGrant", example: { amount_micros: 1_000_000 } });

export const grantedSchema: z.ZodType<GrantedBody> = z
  .strictObject({
    object: z.literal("grant"),
    id: z.string(),
    account: z.string(),
    amount_micros: microsSchema,
    repeated,
  })
  .meta({ id: "Grant" });

export const refundSchema: z.ZodType<RefundBody> = z
  .strictObject({
    answer: chosenIdSchema,
    amount_micros: movedMicrosSchema,
    id: chosenIdSchema.exactOptional(),
  })
  .meta({
    id: "CreateRefund",
    example: { answer: "ans_0Kb3nV7cQ2xY9mTgA4hZw", amount_micros: 1728 },
  });

export const refundedSchema: z.ZodType<RefundedBody> = z
  .strictObject({
    object: z.literal("refund"),
    id: z.string(),
    account: z.string(),
    answer: z.string(),
    amount_micros: microsSchema,
    repeated,
  })
  .meta({ id: "Refund" });
