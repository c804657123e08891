import * as z from "zod";
import { type FunctionProgress, functionProgressSchema } from "../function/status.ts";

/** How far a function is, as far as the edge can reach it. Anyone may ask, so its load is not in it. */
export type FunctionHealth = FunctionProgress | { readonly state: "unreachable" };

/** Body of `GET /health`: the edge is up if it answers at all; what it needs stands beside it. Nothing in it is secret. */
export interface HealthBody {
  readonly status: "ok";
  /** The first of `functions`. */
  readonly function: FunctionHealth;
  /** In the order of the edge's settings. */
  readonly functions: readonly FunctionHealth[];
  /** Every model that a function is known to have, and the one that the settings name. */
  readonly models: readonly ModelHealth[];
  readonly storage: StorageHealth;
  /** When the oldest of this was looked at: RFC 3339, UTC. */
  readonly as_of: string;
}

/** Whether a model can be asked. */
export interface ModelHealth {
  readonly id: string;
  /** `none`: none of its functions takes work, and none that is known is on its way. */
  readonly state: "ready" | "loading" | "none";
  /** Seconds until its first function is ready; 0 when one is, null where nobody knows. */
  readonly eta_seconds: number | null;
  /** Functions that take work. */
  readonly ready: number;
  /** Functions that are known. */
  readonly known: number;
}

/** Whether what the edge keeps can be reached: keys and accounts, and pictures. */
export interface StorageHealth {
  readonly database: "ok" | "unreachable";
  readonly pictures: "ok" | "unreachable";
}

export const functionHealthSchema: z.ZodType<FunctionHealth> = z.union([
  functionProgressSchema,
  z.strictObject({ state: z.literal("unreachable") }),
]);

const count = z.int().nonnegative();
const reachable = z.enum(["ok", "unreachable"]);

export const healthSchema: z.ZodType<HealthBody> = z
  .strictObject({
    status: z.literal("ok"),
    function: functionHealthSchema.meta({ description: "The first of functions." }),
    functions: z.array(functionHealthSchema),
    models: z.array(
      z.strictObject({
        id: z.string(),
        state: z.enum(["ready", "loading", "none"]),
        eta_seconds: z.number().nonnegative().nullable(),
        ready: count,
        known: count,
      }),
    ),
    storage: z.strictObject({ database: reachable, pictures: reachable }),
    as_of: z.iso.datetime().meta({ description: "When the oldest of this was looked at." }),
  })
  .meta({ id: "Health" });
