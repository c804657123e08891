import * as z from "zod";
import type { FunctionLoad } from "../../function/status.ts";
import { type FunctionHealth, functionHealthSchema } from "../health.ts";
import { type Page, pageSchema } from "../page.ts";
import { type StandingBody, standingFields } from "./account.ts";
import { type AccountBody, accountFields } from "./accounts.ts";

/** An account as the administrator looks at it alone. */
export interface ShownAccountBody extends AccountBody, StandingBody {}

/** An inference function, and what it says of itself. What one of before or out of reach does not say of its load is null. */
export type FunctionBody = FunctionHealth &
  Told<FunctionLoad> & {
    readonly object: "function";
    readonly url: string;
  };

/** A function that registered by itself, as the edge heard it last. */
export interface RegisteredFunctionBody {
  readonly object: "registered_function";
  readonly url: string;
  /** The operator's word for where it is. */
  readonly region: string;
  readonly model: string;
  readonly provider: string;
  /** Hex SHA-256 of its weights' manifest; null before it is known. */
  readonly model_digest: string | null;
  readonly numerics: string | null;
  /** `asleep`: a request would start one · `lost`: it has said nothing for too long. */
  readonly state: "warm" | "loading" | "draining" | "failed" | "asleep" | "lost";
  /** Seconds until its weights are there; null where they are, or nobody knows. */
  readonly eta_seconds: number | null;
  readonly running: number;
  readonly places: number;
  readonly queued: number;
  readonly queued_steps: number;
  readonly ms_per_step: number | null;
  /** RFC 3339, UTC. */
  readonly heard_at: string;
}

type Told<Body> = { readonly [Field in keyof Body]: Body[Field] | null };

export const shownAccountSchema: z.ZodType<ShownAccountBody> = z
  .strictObject({ ...accountFields, ...standingFields })
  .meta({ id: "ShownAccount" });

const count = z.int().nonnegative();

const registeredSchema: z.ZodType<RegisteredFunctionBody> = z
  .strictObject({
    object: z.literal("registered_function"),
    url: z.string(),
    region: z.string(),
    model: z.string(),
    provider: z.string(),
    model_digest: z.string().nullable(),
    numerics: z.string().nullable(),
    state: z.enum(["warm", "loading", "draining", "failed", "asleep", "lost"]),
    eta_seconds: z.number().nonnegative().nullable(),
    running: count,
    places: count,
    queued: count,
    queued_steps: count,
    ms_per_step: z.number().positive().nullable(),
    heard_at: z.iso.datetime(),
  })
  .meta({
    id: "RegisteredFunction",
    description: "A function that registered by itself, as it was heard last.",
  });

export const functionListSchema: z.ZodType<Page<FunctionBody | RegisteredFunctionBody>> =
  pageSchema(
    z.union([
      z
        .intersection(
          functionHealthSchema,
          z.object({
            object: z.literal("function"),
            url: z.string(),
            running: count.nullable().meta({ description: "Answers that are being made." }),
            places: count
              .nullable()
              .meta({ description: "Answers that are made at once at most." }),
            queued: count.nullable().meta({ description: "Questions that wait for a place." }),
            queued_steps: count.nullable().meta({
              description: "Steps that all of them, running and waiting, still take.",
            }),
          }),
        )
        .meta({
          id: "Function",
          description:
            "What a function of the settings says of itself. Its load is null where it does not say it: one of before, or out of reach.",
        }),
      registeredSchema,
    ]),
    "FunctionList",
  );
