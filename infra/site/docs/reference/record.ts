// Asks a system of its own every example of the reference and writes down what it replies: what the pages show. After a change of
// the API: npm run -s node -- infra/site/docs/reference/record.ts

import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { operationExamples, RECORDED_FILE, type RecordedReply } from "./examples.ts";
import { type ExampleSystem, runExamples } from "./run-examples.ts";

/** Longer replies are cut to what a page shows: the description of the API, above all. */
const MAX_BODY = 20_000;

const folder = mkdtempSync(path.join(tmpdir(), "unmask-examples-"));
const child = spawn("npm", ["start", "--silent", "--", "--port", "0", "--json"], {
  stdio: ["ignore", "pipe", "inherit"],
  env: { ...process.env, UNMASK_STATE: path.join(folder, "state") },
});
const ended = new Promise((resolve) => child.once("exit", resolve));
try {
  await record(await ready());
} finally {
  child.kill("SIGTERM");
  await ended;
  rmSync(folder, { recursive: true, maxRetries: 5 });
}

async function ready(): Promise<ExampleSystem> {
  for await (const line of createInterface({ input: child.stdout }))
    return JSON.parse(line) as ExampleSystem;
  throw new Error("the system ended before it was ready");
}

async function record(system: ExampleSystem): Promise<void> {
  copyFileSync("test/fixtures/photographs/cat.jpg", path.join(folder, "cat.jpg"));
  const recorded: Record<string, RecordedReply> = {};
  for await (const { operationId, ...reply } of runExamples(system, folder)) {
    const wanted = operationExamples[operationId]?.status;
    if (reply.status !== wanted)
      throw new Error(`${operationId} replied ${reply.status} and not ${wanted}: ${reply.body}`);
    const body = withoutSecrets(shortened(operationId, reply.body), system.url);
    recorded[operationId] = { ...reply, body };
  }
  writeFileSync(RECORDED_FILE, `${JSON.stringify(recorded, null, 2)}\n`);
}

function shortened(operationId: string, body: string): string {
  if (body.length <= MAX_BODY) return body;
  const { openapi, info, servers } = JSON.parse(body) as Record<string, unknown>;
  if (openapi === undefined) throw new Error(`${operationId} replies more than a page can show`);
  return JSON.stringify({ openapi, info, servers, paths: {} });
}

/** Nobody can use them, and readers shall not think that they can; the forms stay. */
function withoutSecrets(body: string, url: string): string {
  return body
    .replaceAll(url, "https://unmask.example")
    .replace(
      /\b(umk_(?:live|test)_)[0-9A-Za-z_]+/g,
      (_, form: string) => `${form}${"x".repeat(24)}`,
    )
    .replace(/\bumc_[0-9A-Za-z]+/g, `umc_${"x".repeat(22)}`)
    .replace(/\beyJ[\w-]+\.[\w.-]+/g, `eyJ${"x".repeat(24)}`)
    .replace(/\bwhsec_[0-9A-Za-z+/=]+/g, `whsec_${"x".repeat(31)}=`);
}
