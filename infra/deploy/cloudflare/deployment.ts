import { readFileSync } from "node:fs";
import path from "node:path";
import { writeWhole } from "../../local/state.ts";
import { type Cloud, openCloud, type Version } from "./account/cloud.ts";
import { spawnWrangler } from "./account/wrangler.ts";
import { resolveConfig } from "./config/resolve.ts";
import {
  jurisdictionOf,
  readWranglerConfig,
  readWranglerToml,
  WRANGLER_TOML,
  type WranglerConfig,
} from "./config/wrangler-config.ts";
import { type KeyStore, openKeyStore } from "./keys/key-store.ts";
import type { Options } from "./options.ts";
import { d1Migrations, type Schemas, schemasHere } from "./versions/schemas.ts";

/** What every command works with. */
export interface Surroundings {
  readonly wanted: WranglerConfig;
  /** The text of wrangler.toml. */
  readonly toml: string;
  readonly store: KeyStore;
  readonly cloud: Cloud;
  /** Writes the resolved configuration, which wrangler is given from then on. */
  readonly resolve: (ids: ReadonlyMap<string, string>) => void;
  /** Files of D1's migrations. */
  readonly migrations: readonly string[];
  readonly schemas: Schemas;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Reads what lies here; asks nobody. UNMASK_WRANGLER_TOML and UNMASK_WRANGLER are for tests: another file, another program. */
export function prepare({ environment }: Options, signal: AbortSignal): Surroundings {
  const file = process.env["UNMASK_WRANGLER_TOML"] ?? WRANGLER_TOML;
  const wanted = readWranglerConfig(environment, file);
  const base = process.env["UNMASK_DEPLOY_STATE"] ?? ".unmask/deploy";
  const store = openKeyStore(path.resolve(base, environment));
  const config = store.file("wrangler.json");
  const resolve = (ids: ReadonlyMap<string, string>): void =>
    writeWhole(config, resolveConfig(wanted, process.cwd(), ids));
  resolve(new Map());
  const folder = wanted.d1_databases[0]?.migrations_dir ?? "migrations";
  return {
    wanted,
    store,
    resolve,
    signal,
    toml: readWranglerToml(file),
    cloud: openCloud(
      spawnWrangler(process.env["UNMASK_WRANGLER"] ?? "wrangler", signal),
      config,
      jurisdictionOf(wanted),
    ),
    migrations: d1Migrations(folder),
    schemas: schemasHere(folder, wanted.migrations.length),
    now: Date.now,
  };
}

/** This repository's version. */
export function ownVersion(): string {
  return (JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version;
}

/** Exit status where somebody has to do something before it goes on. */
export const EXIT_LATER = 69;

/** Whether exactly one account can be meant; says what to do where none is, and null where all is well. */
export async function loginFault(
  cloud: Cloud,
  { account_id }: WranglerConfig,
): Promise<string | null> {
  const accounts = await cloud.accounts();
  if (accounts === null)
    return "nobody is logged in at Cloudflare: run `npm run wrangler -- login`, or set CLOUDFLARE_API_TOKEN to a token that may edit Workers, D1, Queues and R2";
  const isNamed = account_id !== undefined || process.env["CLOUDFLARE_ACCOUNT_ID"] !== undefined;
  if (accounts.length <= 1 || isNamed) return null;
  const list = accounts.map(({ id, name }) => `\n  ${id}  ${name}`).join("");
  return `there are ${accounts.length} accounts: set CLOUDFLARE_ACCOUNT_ID to the one that is meant${list}`;
}

/**
 * The version that takes all requests, and on which a key may be replaced: wrangler puts secrets on the code that was uploaded last, whatever
 * runs. Where a run that broke off has left a version with other secrets and the same code, that is released first. Rejects with an Error
 * that says what to do where there is none, and where newer code is there, such as code that was rolled back.
 */
export async function settleVersion(cloud: Cloud): Promise<Version> {
  const versions = await cloud.versions();
  const current = await cloud.current();
  const running = versions.find(({ id }) => id === current);
  if (running === undefined)
    throw new Error("no version takes all requests: deploy first (npm run deploy)");
  const [newest = running] = versions;
  if (newest.id === running.id) return running;
  const isLeft = newest.tag === running.tag && newest.tag !== "";
  if (!isLeft || (await cloud.released()).has(newest.id))
    throw new Error(
      `${running.id} takes all requests and ${newest.id} is newer: a new key would bring the newer one's code back. Deploy what is to run (npm run deploy), then run this again`,
    );
  await cloud.release(newest.id, newest.message);
  return newest;
}
