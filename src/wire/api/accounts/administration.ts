import { z } from "zod";
import { type FunctionHealth, functionHealthSchema } from "../models.ts";
import { type Page, pageSchema } from "../page.ts";
import { type StandingBody, standingFields } from "./account.ts";
import { type AccountBody, accountFields } from "./accounts.ts";

/** An account as the administrator looks at it alone. */
export interface ShownAccountBody extends AccountBody, StandingBody {}

/** An inference function, and what it says of itself. */
export type FunctionBody = FunctionHealth & {
  readonly object: "function";
  readonly url: string;
};

export const shownAccountSchema: z.ZodType<ShownAccountBody> = z
  .strictObject({ ...accountFields, ...standingFields })
  .meta({ id: "ShownAccount" });

export const functionListSchema: z.ZodType<Page<FunctionBody>> = pageSchema(
  z
    .intersection(
      functionHealthSchema,
      z.object({ object: z.literal("function"), url: z.string() }),
    )
    .meta({ id: "Function" }),
  "FunctionList",
);
