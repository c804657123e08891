import { readFileSync } from "node:fs";
import { unstable_readConfig } from "wrangler";
import type { Jurisdiction } from "../account/commands.ts";

export const ENVIRONMENTS = ["production", "staging"] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

/** Where wrangler's own configuration lies, seen from the repository's root, which every command here runs in. */
export const WRANGLER_TOML = "wrangler.toml";

/** Of wrangler's reading of wrangler.toml what is needed here; its own type has lost the names. */
export interface WranglerConfig {
  readonly name: string;
  readonly account_id?: string;
  /** Absolute. */
  readonly main: string;
  readonly compatibility_date: string;
  readonly compatibility_flags: readonly string[];
  readonly definedEnvironments: readonly string[];
  readonly routes?: readonly (string | { readonly pattern: string })[];
  readonly assets?: { readonly directory: string };
  readonly observability?: object;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly durable_objects: { readonly bindings: readonly object[] };
  readonly triggers?: { readonly crons?: readonly string[] };
  readonly migrations: readonly { readonly tag: string }[];
  readonly r2_buckets: readonly { readonly binding: string; readonly bucket_name: string }[];
  readonly d1_databases: readonly D1Database[];
  readonly queues: {
    readonly producers?: readonly { readonly binding: string; readonly queue: string }[];
    readonly consumers?: readonly {
      readonly queue: string;
      readonly dead_letter_queue?: string;
    }[];
  };
}

export interface D1Database {
  readonly binding: string;
  readonly database_name: string;
  readonly database_id?: string;
  readonly migrations_dir?: string;
}

/** wrangler.toml as wrangler reads it for one environment; `null`: what `npm start` and the tests run. Throws where wrangler finds it wrong. */
export function readWranglerConfig(
  environment: Environment | null,
  file: string = WRANGLER_TOML,
): WranglerConfig {
  const args = { config: file, ...(environment === null ? {} : { env: environment }) };
  return unstable_readConfig(args, { hideWarnings: true }) as unknown as WranglerConfig;
}

/** The jurisdiction that an environment is restricted to. What is none is refused with the other settings. */
export function jurisdictionOf({ vars }: Pick<WranglerConfig, "vars">): Jurisdiction {
  const { JURISDICTION: place } = vars;
  return place === "eu" || place === "us" ? place : null;
}

/** The text of wrangler.toml, to name lines of it. */
export function readWranglerToml(file: string = WRANGLER_TOML): string {
  return readFileSync(file, "utf8");
}
