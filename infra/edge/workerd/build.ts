// Lays the edge out in a folder: the Worker's bundle, the site, and what wrangler.toml and the migrations say.
//   node infra/edge/workerd/build.ts FOLDER      (the site is built by infra/site/build.ts before)

import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { digestOf } from "../../site/digest.ts";
import { SITE_FOLDER as SITE } from "../../site/site.ts";
import { type BuiltEdge, DESCRIPTION, SITE_FOLDER, WORKER_FOLDER } from "./built.ts";
import { type Kept, useKept } from "./kept.ts";
import type { WorkerOptions } from "./workerd.ts";

const MIGRATIONS = "infra/edge/migrations";

/** All that the bundle and its description are made of. */
const inputs = [
  "src",
  "infra/edge",
  "wrangler.toml",
  "tsconfig.json",
  "package.json",
  "package-lock.json",
];

/** What wrangler reads of this machine's owner where it is there. */
const ownVariables = [".dev.vars", ".env", ".env.local"];

/** The last bundle with its description: wrangler takes seconds of processor time for one. */
const kept: Kept = {
  folder: "node_modules/.cache/unmask-edge",
  key: () => digestOf(".", [...inputs, ...ownVariables.filter((file) => existsSync(file))]),
  make: bundle,
};

/**
 * Builds it; bundles where something has changed since the last time. Throws with wrangler's own words where the Worker cannot be
 * bundled, and where the signal is aborted on the way.
 */
export async function buildEdge(
  folder: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const [worker, site] = [path.join(folder, WORKER_FOLDER), path.join(folder, SITE_FOLDER)];
  for (const earlier of [worker, site]) rmSync(earlier, { recursive: true, force: true });
  const copy = (made: string): void => {
    cpSync(path.join(made, WORKER_FOLDER), worker, { recursive: true });
    writeFileSync(path.join(folder, DESCRIPTION), readFileSync(path.join(made, DESCRIPTION)));
  };
  await useKept(kept, copy, signal);
  cpSync(SITE, site, { recursive: true });
}

async function bundle(folder: string, signal: AbortSignal): Promise<void> {
  await promisify(execFile)(
    "node_modules/.bin/wrangler",
    ["deploy", "--dry-run", "--env=", "--outdir", path.join(folder, WORKER_FOLDER)],
    {
      signal,
      // CI: without a terminal it asks nobody. Its own logs would lie in the user's settings, readable to everybody.
      env: {
        ...process.env,
        CI: "true",
        WRANGLER_WRITE_LOGS: "false",
        WRANGLER_SEND_METRICS: "false",
      },
    },
  );
  writeFileSync(path.join(folder, DESCRIPTION), JSON.stringify(await describe()));
}

async function describe(): Promise<BuiltEdge> {
  // Only now: what is imported takes longer than finding out that nothing has changed.
  const { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } = await import("wrangler");
  const { settingNames } = await import("#edge/settings.ts");
  const { TELEMETRY_VARIABLES } = await import("#wire/telemetry/settings.ts");
  const worker: WorkerOptions = unstable_getMiniflareWorkerOptions("wrangler.toml").workerOptions;
  return {
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
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) throw new Error("say where: node infra/edge/workerd/build.ts FOLDER");
  await buildEdge(folder);
}
