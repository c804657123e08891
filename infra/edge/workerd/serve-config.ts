import { readFileSync } from "node:fs";
import * as z from "zod";

/** What the edge's process is told from outside, beside the Worker's own variables. */
export interface ServeConfig {
  readonly host: string;
  readonly port: number;
  /** What `build.ts` has made. */
  readonly built: string;
  /** Where databases and objects lie. */
  readonly state: string;
}

const port = z.coerce.number<string>().int().min(1).max(65_535);

const environment = z.object({
  UNMASK_HOST: z.string().default("127.0.0.1"),
  UNMASK_PORT: port.optional(),
  PORT: port.optional(),
  UNMASK_EDGE_BUILT: z.string().default("/app/edge"),
  UNMASK_EDGE_STATE: z.string().default("/var/lib/unmask/edge"),
});

const DEFAULT_PORT = 8787;

/** Throws an Error that names every variable that is wrong. */
export function parseServeConfig(
  variables: Readonly<Record<string, string | undefined>>,
): ServeConfig {
  const parsed = environment.safeParse(variables);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((one) => `  ${one.path.join(".")}: ${one.message}`);
    throw new Error(`the edge cannot start with this environment:\n${faults.join("\n")}`);
  }
  const { data } = parsed;
  return {
    host: data.UNMASK_HOST,
    port: data.UNMASK_PORT ?? data.PORT ?? DEFAULT_PORT,
    built: data.UNMASK_EDGE_BUILT,
    state: data.UNMASK_EDGE_STATE,
  };
}

/**
 * The Worker's variables and secrets among those of this process: each by its own name, or as `NAME_FILE`, a file that holds it.
 * Throws an Error that names the variable where both are said or the file cannot be read.
 */
export function workerBindings(
  names: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name): [string, string][] => {
      const [value, file] = [variables[name], variables[`${name}_FILE`]];
      if (value !== undefined && file !== undefined)
        throw new Error(`${name} and ${name}_FILE are both set: say one of them`);
      if (file !== undefined) return [[name, readBinding(name, file)]];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function readBinding(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new Error(`${name}_FILE names ${file}, which cannot be read`, { cause });
  }
}
