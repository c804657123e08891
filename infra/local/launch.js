#!/usr/bin/env node
// Runs a tool of this repository on a machine where nothing is installed yet.
//
//   node infra/local/launch.js <command> [argument …]   set up what is missing, then run the command
//   node infra/local/launch.js --prepare                only fetch a Node new enough for the tools, where they are
//                                                       installed (npm's postinstall)
//
// Plain JavaScript for Node 18 or newer and nothing from node_modules: this file runs before either is sure to be there.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

// 24 is the first line that runs TypeScript as it lies and has WebGPU's needs (JSPI).
const MINIMUM_NODE_MAJOR = 24;
const PINNED_NODE_VERSION = "24.21.0";
const PARENT_CHECK_MS = 1000;
const PINNED_NODE_PREFIX = path.join(root, "node_modules/.pinned-node");
const COMPILE_CACHE = path.join(root, "node_modules/.cache/node");

/** Says whether this very process is a Node that the tools accept. */
function isNodeNewEnough() {
  return Number(process.versions.node.split(".")[0]) >= MINIMUM_NODE_MAJOR;
}

/** Runs npm to its end, with its words on stderr so that stdout stays the tool's own. */
function npm(args) {
  const viaNode = process.env.npm_execpath?.endsWith(".js");
  const command = viaNode ? process.execPath : "npm";
  const prefix = viaNode ? [process.env.npm_execpath] : [];
  const run = spawnSync(command, [...prefix, ...args], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: npmEnvironment(),
  });
  if (run.status !== 0)
    fail(`"npm ${args.join(" ")}" failed (see above). Run it by hand, then try again.`);
}

/** npm inside npm inherits the outer command's settings as npm_config_*; a prefix or dry run must not leak in. */
function npmEnvironment() {
  // It would warn of every package that the Node at hand is too old for; that Node is not the one that will run them.
  const environment = { ...process.env, npm_config_loglevel: "error" };
  for (const name of [
    "npm_config_prefix",
    "npm_config_local_prefix",
    "npm_config_dry_run",
    "npm_config_global",
  ])
    delete environment[name];
  return environment;
}

/** Compares what package.json pins (exact versions) with what lies in node_modules. */
function isInstalled() {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(path.join(root, "package.json"), "utf8"),
  );
  return Object.entries({ ...dependencies, ...devDependencies }).every(([name, version]) => {
    const manifest = path.join(root, "node_modules", name, "package.json");
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).version === version;
  });
}

/** Returns the folder of the pinned Node's binary, fetching it from the package registry on first use. */
function pinnedNodeFolder() {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const folder = path.join(PINNED_NODE_PREFIX, "node_modules", name, "bin");
  if (existsSync(path.join(folder, "node"))) return folder;
  if (process.platform !== "linux") {
    fail(
      `Node ${process.versions.node} is too old here: install Node ${MINIMUM_NODE_MAJOR} LTS (https://nodejs.org), then try again.`,
    );
  }
  process.stderr.write(
    `Node ${process.versions.node} is older than ${MINIMUM_NODE_MAJOR}: fetching ${name}@${PINNED_NODE_VERSION} (once)\n`,
  );
  npm([
    "install",
    "--prefix",
    PINNED_NODE_PREFIX,
    "--no-save",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    `${name}@${PINNED_NODE_VERSION}`,
  ]);
  return folder;
}

/** Brings up to date what is made of sources: each script does nothing where it is. */
function build(nodeFolder, script, what) {
  const { status } = spawnSync(path.join(nodeFolder, "node"), [script], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) fail(`building ${what} failed (see above)`);
}

function fail(message) {
  process.stderr.write(`unmask: ${message}\n`);
  process.exit(1);
}

/** Starts a command with the right Node first in PATH, hands signals on, and ends as it ends. */
function run(command, args, nodeFolder) {
  const folders = [nodeFolder, path.join(root, "node_modules/.bin"), process.env.PATH];
  const environment = {
    ...process.env,
    PATH: folders.filter(Boolean).join(path.delimiter),
    WRANGLER_SEND_METRICS: "false",
    // Every process of a tool strips the types of the same sources: Node keeps what it made of a file while its content is the same.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? COMPILE_CACHE,
    // SQL on every local database for whoever reaches the port, and a store of every request's address.
    X_LOCAL_EXPLORER: "false",
    X_LOCAL_OBSERVABILITY: "false",
  };
  const child = spawn(command, args, { cwd: root, stdio: "inherit", env: environment });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  endWithParent(child);
  const lifeline = holdLifeline(child);
  child.on("error", (cause) => fail(`cannot start "${command}": ${cause.message}`));
  child.on("exit", (code, signal) => {
    lifeline?.kill("SIGKILL");
    process.exit(code ?? 128 + constants.signals[signal]);
  });
}

/**
 * Ends the command when whoever started us is gone. npm and the shell between pass signals on, but where one of them is
 * killed outright nobody does, and a server that nobody can stop would stay behind.
 */
function endWithParent(child) {
  const parent = process.ppid;
  const look = () => {
    if (process.ppid !== parent) child.kill("SIGTERM");
  };
  setInterval(look, PARENT_CHECK_MS).unref();
}

/** Has a shell end the command when we ourselves are gone (lifeline.sh). */
function holdLifeline(child) {
  if (child.pid === undefined) return undefined;
  const script = path.join(root, "infra/local/lifeline.sh");
  const lifeline = spawn("sh", [script, String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  lifeline.on("error", () => undefined); // A system without sh: signals are still passed on.
  return lifeline;
}

const [command, ...args] = process.argv.slice(2);
if (command === undefined)
  fail("say what to run, for example: node infra/local/launch.js vitest run");

if (command === "--prepare") {
  // Without devDependencies there are no tools: the function runs under the Node that its machine brings.
  if (isInstalled() && !isNodeNewEnough()) pinnedNodeFolder();
} else {
  if (!isInstalled()) {
    process.stderr.write("Installing packages (npm ci), once\n");
    npm(["ci"]);
  }
  const nodeFolder = isNodeNewEnough() ? path.dirname(process.execPath) : pinnedNodeFolder();
  build(nodeFolder, "wasm/build.ts", "the wasm kernels");
  build(nodeFolder, "infra/site/build.ts", "the site");
  run(command, args, nodeFolder);
}
