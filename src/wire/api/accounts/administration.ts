import { z } from "zod";
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

type Told<Body> = { readonly [Field in keyof Body]: Body[Field] | null };

export const shownAccountSchema: z.ZodType<ShownAccountBody> = z
  .strictObject({ ...accountFields, ...standingFields })
  .meta({ id: "ShownAccount" });

const count = z.int().nonnegative();

export const functionListSchema: z.ZodType<Page<FunctionBody>> = pageSchema(
  z
    .intersection(
      functionHealthSchema,
      z.object({
        object: z.literal("function"),
        url: z.string(),
        running: count.nullable().meta({ description: "Answers that are being made." }),
        places: count.nullable().meta({ description: "Answers that are made at once at most." }),
        queued: count.nullable().meta({ description: "Questions that wait for a place." }),
        queued_steps: count.nullable().meta({
          description: "Steps that all of them, running and waiting, still take.",
        }),
      }),
    )
    .meta({
      id: "Function",
      description:
        "What a function says of itself. Its load is null where it does not say it: one of before, or out of reach.",
    }),
  "FunctionList",
);
