import * as z from "zod";
import { signingKeyText, type TicketSigningKey } from "#wire/function/ticket-keys.ts";

/** With which edges a function registers, as what. */
export interface FleetConfig {
  /** Base addresses. */
  readonly edgeUrls: readonly string[];
  /** Base address under which they reach it, an origin. */
  readonly ownUrl: string;
  readonly key: TicketSigningKey;
  /** Whether its host stops it when nothing is asked, and starts it for the next request. */
  readonly sleeps: boolean;
}

/** An installation and its staging twin, and one that replaces each. */
const MAX_EDGES = 4;

const base = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, ""));

/** What is read of the environment. */
export const fleetVariables: {
  readonly UNMASK_EDGE_URL: z.ZodOptional<z.ZodType<readonly string[], string>>;
  readonly UNMASK_FUNCTION_URL: z.ZodOptional<z.ZodType<string, string>>;
  readonly UNMASK_FUNCTION_KEY: z.ZodOptional<z.ZodType<TicketSigningKey, string>>;
  readonly UNMASK_SCALES_TO_ZERO: z.ZodDefault<z.ZodEnum<{ yes: "yes"; no: "no" }>>;
} = {
  UNMASK_EDGE_URL: z
    .string()
    .transform((list) => list.split(",").map((url) => url.trim()))
    .pipe(z.array(base).min(1).max(MAX_EDGES))
    .optional(),
  UNMASK_FUNCTION_URL: base
    .refine((url) => new URL(url).origin === url, "is no origin: https://name, without a path")
    .optional(),
  UNMASK_FUNCTION_KEY: signingKeyText.optional(),
  UNMASK_SCALES_TO_ZERO: z.enum(["yes", "no"]).default("no"),
};

/** What was read. */
export interface FleetValues {
  readonly UNMASK_EDGE_URL?: readonly string[] | undefined;
  readonly UNMASK_FUNCTION_URL?: string | undefined;
  readonly UNMASK_FUNCTION_KEY?: TicketSigningKey | undefined;
  readonly UNMASK_SCALES_TO_ZERO: "yes" | "no";
}

/** Undefined where it does not register. Throws an Error that names what is missing where only a part is said. */
export function fleetConfigOf(values: FleetValues): FleetConfig | undefined {
  const { UNMASK_EDGE_URL: edgeUrls, UNMASK_FUNCTION_URL: ownUrl } = values;
  const key = values.UNMASK_FUNCTION_KEY;
  if (edgeUrls !== undefined && ownUrl !== undefined && key !== undefined)
    return { edgeUrls, ownUrl, key, sleeps: values.UNMASK_SCALES_TO_ZERO === "yes" };
  const said = { UNMASK_EDGE_URL: edgeUrls, UNMASK_FUNCTION_URL: ownUrl, UNMASK_FUNCTION_KEY: key };
  const missing = Object.entries(said).flatMap(([name, value]) =>
    value === undefined ? [name] : [],
  );
  if (missing.length === Object.keys(said).length) return undefined;
  throw new Error(
    `the function cannot start with this environment:\n${missing.map((name) => `  ${name}: is missing; a function that registers needs all three`).join("\n")}`,
  );
}
