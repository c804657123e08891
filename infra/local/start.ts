// Brings up the whole system on this machine: Worker with local object storage, demo model, inference function.
// `npm start -- --help` says how.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { createClient } from "#client/client.ts";
import { fileStore } from "#inference/file-store.ts";
import { copyBundle } from "#weights/copy.ts";
import { createS3Store, type S3Config } from "#weights/s3.ts";
import { generateTicketKeys } from "#wire/ticket.ts";
import {
  type LocalAccess,
  newAdminKey,
  openLocalAccount,
  readLocalAccess,
  writeLocalAccess,
} from "./local-key.ts";
import {
  answers,
  freePort,
  type LocalProcess,
  lastLines,
  startProcess,
  waitUntil,
} from "./processes.ts";

const HELP = `Starts Unmask on this machine, on loopback only: the edge (a Worker) with its object storage, the demo
model, and an inference function. Then asks a bundled picture, says how to ask your own, and runs until Ctrl-C.

Usage: npm start -- [options]

  --port N         port of the API (default 8787; 0 takes any free one)
  --json           for programs: one JSON line {url, key, admin_key, model} on stdout when ready, all else on stderr
  --provider NAME  what computes: cpu (default) or wasm
  --help           this text

State, logs and the local keys lie in .unmask/ (UNMASK_STATE); delete that folder to begin anew.
`;

/** Where state, logs and keys lie; tests that run side by side each have a folder of their own. */
const STATE = process.env["UNMASK_STATE"] ?? ".unmask";
const EDGE_STATE = path.join(STATE, "edge");
const ACCESS_FILE = path.join(STATE, "local.json");
const MODEL = "unmask-demo";
const BUNDLE = "infra/demo-model/bundle";
const PICTURE = "test/fixtures/pictures/dog.png";
const QUESTION = "What is this?";

/** The function's address inside the system; its port is chosen freely, since only the edge needs to know it. */
const LOOPBACK = "127.0.0.1";

/** A start takes about six seconds on two cores; twenty times that means that something hangs. */
const READY_TIMEOUT_MS = 120_000;

/** How long a part may take to finish its work once it was asked to end. */
const GRACE_MS = 10_000;

interface Options {
  readonly port: number;
  readonly isForPrograms: boolean;
  readonly provider: string;
}

function parseOptions(args: readonly string[]): Options | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "8787" },
      json: { type: "boolean", default: false },
      provider: { type: "string", default: "cpu" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--port takes a number from 0 to 65535, not "${values.port}"`);
  }
  return { port, isForPrograms: values.json, provider: values.provider };
}

/** Where wrangler serves the local bucket; the pair of keys is that of wrangler.toml and opens nothing else. */
function localStore(edgeUrl: string): S3Config {
  return {
    endpoint: `${edgeUrl}/cdn-cgi/local/r2/s3`,
    region: "auto",
    bucket: "unmask-weights",
    accessKeyId: "unmask-local",
    secretAccessKey: "unmask-local-secret",
  };
}

async function startEdge(
  port: number,
  functionUrl: string,
  adminKey: string,
  ticketKey: object,
): Promise<LocalProcess> {
  await migrate();
  const settings = path.join(STATE, "edge.env");
  const lines = [
    `MODEL=${MODEL}`,
    `FUNCTION_URL=${functionUrl}`,
    `TICKET_KEY=${JSON.stringify(ticketKey)}`,
    `ADMIN_KEY=${adminKey}`,
  ];
  writeFileSync(settings, `${lines.join("\n")}\n`, { mode: 0o600 });
  return startProcess(
    "edge",
    [
      "wrangler",
      "dev",
      "--ip",
      LOOPBACK,
      "--port",
      String(port),
      "--inspector-port",
      "0",
      "--show-interactive-dev-session=false",
      "--persist-to",
      EDGE_STATE,
      "--env-file",
      settings,
    ],
    { logFile: path.join(STATE, "edge.log"), env: {} },
  );
}

/** Brings the edge's tables up to date before it starts. */
async function migrate(): Promise<void> {
  const logFile = path.join(STATE, "migrations.log");
  const args = ["d1", "migrations", "apply", "unmask", "--local", "--persist-to", EDGE_STATE];
  const migration = startProcess("migrations", ["wrangler", ...args], {
    logFile,
    // Without a terminal it asks nobody.
    env: { CI: "true" },
  });
  const fate = await migration.ended;
  if (fate !== "ended with 0") throw new Error(`migrations ${fate}:\n${lastLines(logFile, 20)}`);
}

function startFunction(
  port: number,
  store: S3Config,
  ticketKey: object,
  provider: string,
): LocalProcess {
  return startProcess("function", [process.execPath, "src/inference/function.ts"], {
    logFile: path.join(STATE, "function.log"),
    env: {
      // glibc keeps freed blocks below its growing threshold; fixed at 1 MB an 8B q4 layer takes 182 instead of 200 MiB.
      MALLOC_MMAP_THRESHOLD_: "1000000",
      UNMASK_HOST: LOOPBACK,
      UNMASK_PORT: String(port),
      UNMASK_MODEL: MODEL,
      UNMASK_PROVIDER: provider,
      // Pictures and webhook receivers of whoever tries it out are on this machine, and so is everybody who has a key.
      UNMASK_FETCH_PRIVATE: "allow",
      UNMASK_S3_ENDPOINT: store.endpoint,
      UNMASK_S3_REGION: store.region,
      UNMASK_S3_BUCKET: store.bucket,
      UNMASK_S3_ACCESS_KEY_ID: store.accessKeyId,
      UNMASK_S3_SECRET_ACCESS_KEY: store.secretAccessKey,
      UNMASK_TICKET_KEYS: JSON.stringify([ticketKey]),
    },
  });
}

/** Starts everything in the order in which it needs one another; what was started stands in `running` even after a throw. */
async function startAll(
  options: Options,
  running: LocalProcess[],
  signal: AbortSignal,
): Promise<LocalAccess> {
  mkdirSync(STATE, { recursive: true });
  const edgePort = options.port === 0 ? await freePort() : options.port;
  const functionPort = await freePort();
  const url = `http://${LOOPBACK}:${edgePort}`;
  const functionUrl = `http://${LOOPBACK}:${functionPort}`;
  if (await answers(`${url}/health`)) {
    throw new Error(`something already answers at ${url}: stop it, or choose another --port`);
  }
  const known = readLocalAccess(ACCESS_FILE);
  const adminKey = known.admin_key ?? newAdminKey();
  const ticketKeys = await generateTicketKeys(`local-${process.pid}`);
  const waiting = { timeoutMs: READY_TIMEOUT_MS, signal };

  say("edge and object storage …");
  const edge = await startEdge(edgePort, functionUrl, adminKey, ticketKeys.signing);
  running.push(edge);
  await waitUntil(edge, () => answers(`${url}/openapi.json`), waiting);
  const key = await openLocalAccount(url, adminKey, known.key, signal);
  const access: LocalAccess = { url, key, admin_key: adminKey };

  say("demo model into object storage …");
  const store = localStore(url);
  const { digest } = await copyBundle(fileStore(BUNDLE), createS3Store(store), {
    name: MODEL,
    signal,
  });

  say("inference function …");
  const worker = startFunction(functionPort, store, ticketKeys.verification, options.provider);
  running.push(worker);
  await waitUntil(worker, () => isReady(functionUrl), waiting);
  writeLocalAccess(ACCESS_FILE, access);
  say(`ready: ${MODEL} ${digest.slice(0, 12)}`);
  return access;
}

/** Throws if the model can never be served: there is no use in waiting then. */
async function isReady(functionUrl: string): Promise<boolean> {
  if (!(await answers(`${functionUrl}/status`))) {
    const health = await fetch(`${functionUrl}/health`).catch(() => undefined); // not listening yet
    if (health?.status === 503)
      throw new Error(`the model cannot be served (see ${STATE}/function.log)`);
    return false;
  }
  const { state } = (await (await fetch(`${functionUrl}/status`)).json()) as { state?: string };
  if (state === "failed") throw new Error(`the weights failed to load (see ${STATE}/function.log)`);
  return state === "ready";
}

/** Asks the bundled picture, as any client would, and shows how to do the same by hand. */
async function showAround(access: LocalAccess, signal: AbortSignal): Promise<void> {
  const { url, key } = access;
  const client = createClient({ baseUrl: url, apiKey: key });
  const images = [new Uint8Array(readFileSync(PICTURE))];
  const startedMs = performance.now();
  const { answer, confidence, usage } = await client.ask(
    { question: QUESTION, images, canvas: 16 },
    { signal },
  );
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(2);
  process.stdout.write(`
  ${PICTURE}
  "${QUESTION}"  →  "${answer}"   (confidence ${confidence.toFixed(2)}, ${usage.steps} steps, ${seconds} s)

  URL  ${url}
  Key  ${key}
  Admin key  ${access.admin_key}

  Ask your own:

    curl ${url}/v1/answers -H "Authorization: Bearer ${key}" -F image=@${PICTURE} -F question="${QUESTION}"

    npm run -s unmask -- ask ${PICTURE} "${QUESTION}" --watch

  Ctrl-C ends it.
`);
}

function say(words: string): void {
  process.stderr.write(`unmask: ${words}\n`);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help") {
    process.stdout.write(HELP);
    return;
  }
  if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is missing: this is no complete clone`);
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stopping.abort(signal));
  }
  const running: LocalProcess[] = [];
  try {
    const access = await startAll(options, running, stopping.signal);
    if (options.isForPrograms)
      process.stdout.write(`${JSON.stringify({ ...access, model: MODEL })}\n`);
    else await showAround(access, stopping.signal);
    await untilOver(running, stopping.signal);
  } catch (cause) {
    if (!stopping.signal.aborted) throw cause;
  } finally {
    if (running.length > 0) say("stopping …");
    for (const part of running.reverse()) await part.stop(GRACE_MS);
  }
}

/** Waits until we are asked to stop; throws if a part ends by itself. */
async function untilOver(running: readonly LocalProcess[], signal: AbortSignal): Promise<void> {
  const stopped = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const fates = running.map(
    async ({ name, logFile, ended }) => `${name} ${await ended} (see ${logFile})`,
  );
  const fate = await Promise.race([stopped, ...fates]);
  if (fate !== undefined) throw new Error(fate);
}

main().catch((cause: unknown) => {
  say(cause instanceof Error ? cause.message : String(cause));
  process.exitCode = 1;
});
