// Lays the edge out in a folder: the Worker's bundle, the site, and what wrangler.toml and the migrations say.
//   node infra/edge/workerd/build.ts FOLDER      (the site is built by infra/site/build.ts before)

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } from "wrangler";
import { settingNames } from "#edge/settings.ts";
import { TELEMETRY_VARIABLES } from "#wire/telemetry/settings.ts";
import { SITE_FOLDER as SITE } from "../../site/site.ts";
import { type BuiltEdge, DESCRIPTION, SITE_FOLDER, WORKER_FOLDER } from "./built.ts";
import type { WorkerOptions } from "./workerd.ts";

const MIGRATIONS = "infra/edge/migrations";

/** Builds it. Throws with wrangler's own words where the Worker cannot be bundled. */
export function buildEdge(folder: string): void {
  mkdirSync(folder, { recursive: true });
  execFileSync(
    "node_modules/.bin/wrangler",
    ["deploy", "--dry-run", "--env=", "--outdir", path.join(folder, WORKER_FOLDER)],
    {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        ...process.env,
        CI: "true",
        WRANGLER_WRITE_LOGS: "false",
        WRANGLER_SEND_METRICS: "false",
      },
    },
  );
  cpSync(SITE, path.join(folder, SITE_FOLDER), { recursive: true });
  const worker: WorkerOptions = unstable_getMiniflareWorkerOptions("wrangler.toml").workerOptions;
  const built: BuiltEdge = {
    worker,
    settings: [...settingNames(), ...TELEMETRY_VARIABLES],
    migrations: readdirSync(MIGRATIONS)
      .filter((name) => name.endsWith(".sql"))
      .sort()
      .map((name) => ({
        name,
        statements: unstable_splitSqlQuery(readFileSync(path.join(MIGRATIONS, name), "utf8")),
      })),
  };
  writeFileSync(path.join(folder, DESCRIPTION), JSON.stringify(built));
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) throw new Error("say where: node infra/edge/workerd/build.ts FOLDER");
  buildEdge(folder);
}
