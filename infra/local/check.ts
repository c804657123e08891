// Everything that is checked besides tests. `npm run check`; with --report FILE also a summary for machines.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { checkApi } from "./check-api.ts";

interface Check {
  readonly name: string;
  /** Resolves to what to say when it passed; throws an Error that says what is wrong and how to mend it. */
  readonly run: () => Promise<string>;
}

/** The Worker's start-up has one second on the platform, and parsing is most of it; 2 MB is a fifth of the size limit. */
const MAX_WORKER_BYTES = 2_000_000;

/**
 * Packages whose install script no npm may run, old or new: npm runs those that the lock file marks, and newer ones also
 * heed `allowScripts` in package.json. onnxruntime-node's fetches CUDA libraries from a feed that is not a package registry.
 */
const NEVER_SCRIPTED = ["node_modules/onnxruntime-node"];

interface Lock {
  readonly packages: Readonly<Record<string, { readonly hasInstallScript?: boolean }>>;
}

const checks: readonly Check[] = [
  {
    name: "format and lint",
    run: () => command("biome", ["ci", "."], 'run "npx biome check --write ."'),
  },
  {
    name: "types and walls between rooms",
    run: () => command("tsc", ["-b"], "see the errors above"),
  },
  { name: "lock file is complete", run: checkLockFile },
  { name: "worker bundle", run: checkWorkerBundle },
  { name: "manifests", run: checkManifests },
  { name: "kernels are what their sources compile to", run: checkKernels },
  { name: "the API's description", run: () => checkApi(command) },
];

async function checkLockFile(): Promise<string> {
  const { output } = await execute("npm", ["ci", "--dry-run", "--ignore-scripts"]);
  const missing = output.split("\n").filter((line) => line.includes("Missing:"));
  if (missing.length > 0) {
    throw new Error(
      `package-lock.json lacks packages: pin a version whose platform packages all exist\n${missing.join("\n")}`,
    );
  }
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as Lock;
  const scripted = NEVER_SCRIPTED.filter((name) => packages[name]?.hasInstallScript === true);
  if (scripted.length > 0) {
    throw new Error(
      `package-lock.json lets install scripts run that must not: delete "hasInstallScript" of ${scripted.join(", ")}`,
    );
  }
  return "npm ci would find every package";
}

async function checkKernels(): Promise<string> {
  await command("node", ["wasm/build.ts", "--check"], "see above");
  await command("git", ["ls-files", "--error-unmatch", "wasm/resize.wasm"], "commit it");
  return "every byte, and in git";
}

async function checkManifests(): Promise<string> {
  const { status, output } = await execute("node", ["test/deploy/validate.ts"]);
  if (status !== 0) throw new Error(`${output.trim()}\nsee the fields that are named above`);
  return `\n${output.trim().replaceAll(/^/gm, "  ")}`;
}

async function checkWorkerBundle(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "unmask-worker-"));
  try {
    const args = ["deploy", "--dry-run", "--env=", "--outdir", folder];
    await command("wrangler", args, "see the errors above");
    const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));
    const bytes = scripts.reduce(
      (total, name) => total + statSync(path.join(folder, name)).size,
      0,
    );
    const named = scripts.flatMap(
      (name) => readFileSync(path.join(folder, name), "utf8").match(/from\s*"node:[\w/]+"/g) ?? [],
    );
    if (named.length > 0) throw new Error(`the Worker must not need Node: ${named.join(", ")}`);
    if (bytes === 0 || bytes > MAX_WORKER_BYTES)
      throw new Error(`${bytes} bytes, allowed are 1 to ${MAX_WORKER_BYTES}`);
    return `${Math.round(bytes / 1000)} kB, no node: imports`;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Checks tell nobody but whoever runs them. */
const silent = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };

/** Runs a tool to its end; throws with all that it printed if it fails. */
async function command(name: string, args: readonly string[], advice: string): Promise<string> {
  const { status, output } = await execute(name, args);
  if (status !== 0) throw new Error(`${output.trim()}\n${name} ended with ${status}: ${advice}`);
  return "nothing to say";
}

function execute(
  name: string,
  args: readonly string[],
): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...silent };
    const child = spawn(name, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", (cause) => reject(new Error(`cannot start ${name}`, { cause })));
    child.on("close", (status) =>
      resolve({ status, output: Buffer.concat(chunks).toString("utf8") }),
    );
  });
}

const { values } = parseArgs({ options: { report: { type: "string" } } });
let failed = 0;
for (const check of checks) {
  const startedMs = performance.now();
  try {
    const words = await check.run();
    console.log(
      `passed ${check.name} (${((performance.now() - startedMs) / 1000).toFixed(1)} s): ${words}`,
    );
  } catch (cause) {
    failed++;
    console.log(`failed ${check.name}\n${cause instanceof Error ? cause.message : cause}`);
  }
}
const passed = checks.length - failed;
if (values.report !== undefined) {
  writeFileSync(values.report, JSON.stringify({ numPassedTests: passed, numFailedTests: failed }));
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
