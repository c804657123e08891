// Brings up the whole system on this machine: Worker with local object storage, demo model, inference function.
// `npm start -- --help` says how.

import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createClient } from "#client/client.ts";
import type { LocalAccess } from "./local-key.ts";
import type { LocalProcess } from "./processes.ts";
import { BUNDLE, MODEL, startStack } from "./stack.ts";
import { takeState } from "./state.ts";

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
const PICTURE = "test/fixtures/pictures/dog.png";
const QUESTION = "What is this?";

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

  Ask your own, in another terminal:

    export UNMASK_URL=${url}
    export UNMASK_KEY=${key}
    curl "$UNMASK_URL/v1/answers" -H "Authorization: Bearer $UNMASK_KEY" -F image=@${PICTURE} -F question="${QUESTION}"

    npm run -s unmask -- ask ${PICTURE} "${QUESTION}" --watch

  Accounts, credit and keys are managed with UNMASK_ADMIN_KEY=${access.admin_key}

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
  using state = takeState(STATE);
  const running: LocalProcess[] = [];
  try {
    const access = await startStack({ ...options, say }, state, running, stopping.signal);
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
