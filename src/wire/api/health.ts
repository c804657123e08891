import { z } from "zod";
import { type FunctionProgress, functionProgressSchema } from "../function/status.ts";

/** How far a function is, as far as the edge can reach it. Anyone may ask, so its load is not in it. */
export type FunctionHealth = FunctionProgress | { readonly state: "unreachable" };

/** Body of `GET /health`: the edge is up if it answers at all; the functions' own states beside it. */
export interface HealthBody {
  readonly status: "ok";
  /** The first of `functions`. */
  readonly function: FunctionHealth;
  /** In the order of the edge's settings. */
  readonly functions: readonly FunctionHealth[];
}

export const functionHealthSchema: z.ZodType<FunctionHealth> = z.union([
  functionProgressSchema,
  z.strictObject({ state: z.literal("unreachable") }),
]);

export const healthSchema: z.ZodType<HealthBody> = z
  .strictObject({
    status: z.literal("ok"),
    function: functionHealthSchema.meta({ description: "The first of functions." }),
    functions: z.array(functionHealthSchema),
  })
  .meta({ id: "Health" });
