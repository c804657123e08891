import { readFileSync } from "node:fs";
import path from "node:path";
import type { WorkerOptions } from "./workerd.ts";

/** What `build.ts` lays into a folder and `serve.ts` runs: with it neither sources nor wrangler are needed. */
export interface BuiltEdge {
  /** What wrangler reads out of wrangler.toml. */
  readonly worker: WorkerOptions;
  /** Names of the Worker's variables and secrets. */
  readonly settings: readonly string[];
  /** Of D1, in their order. */
  readonly migrations: readonly SqlMigration[];
}

export interface SqlMigration {
  readonly name: string;
  readonly statements: readonly string[];
}

export const WORKER_FOLDER = "worker";
export const SITE_FOLDER = "site";
export const DESCRIPTION = "edge.json";

export function readBuilt(folder: string): BuiltEdge {
  return JSON.parse(readFileSync(path.join(folder, DESCRIPTION), "utf8")) as BuiltEdge;
}
