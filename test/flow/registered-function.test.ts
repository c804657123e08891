import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createAdminClient } from "#client/admin.ts";
import { type Client, createClient } from "#client/client.ts";
import { healthSchema } from "#wire/api/health.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { buildEdge } from "../../infra/edge/workerd/build.ts";
import { freePorts } from "../../infra/local/ports.ts";

// The edge in workerd and functions as processes in a region each, which the edge knows by their heartbeats alone.

const ADMIN_KEY = "the-administrators-key-of-this-test";
const LOOPBACK = "127.0.0.1";

const tickets = await generateTicketKeys("test");
const state = mkdtempSync(path.join(tmpdir(), "unmask-registered-"));
const [edgePort = 0, firstPort = 0, secondPort = 0, nobodysPort = 0] = await freePorts(4);
/** A region each. */
const places = new Map([
  [firstPort, await generateTicketKeys("place-1")],
  [secondPort, await generateTicketKeys("place-2")],
]);
const edgeUrl = `http://${LOOPBACK}:${edgePort}`;
const children: ChildProcess[] = [];
let client: Client;

function start(entry: string, environment: Readonly<Record<string, string>>): ChildProcess {
  const child = spawn(process.execPath, [entry], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { PATH: process.env["PATH"], UNMASK_HOST: LOOPBACK, ...environment },
  });
  children.push(child);
  return child;
}

function startFunction(port: number): ChildProcess {
  return start("src/inference/function.ts", {
    UNMASK_PORT: String(port),
    UNMASK_BUNDLE: "infra/demo-model/bundle",
    UNMASK_TICKET_KEYS: JSON.stringify([tickets.verification]),
    UNMASK_THREADS: "1",
    UNMASK_EDGE_URL: edgeUrl,
    UNMASK_FUNCTION_URL: `http://${LOOPBACK}:${port}`,
    UNMASK_FUNCTION_KEY: JSON.stringify(places.get(port)?.signing),
  });
}

async function health(): Promise<unknown> {
  const reply = await fetch(`${edgeUrl}/health`);
  const { models } = healthSchema.parse(await reply.json());
  const found = models.find(({ id }) => id === "unmask-demo");
  return found === undefined ? undefined : { state: found.state, ready: found.ready };
}

beforeAll(async () => {
  await buildEdge(path.join(state, "built"));
  const keys = [...places].map(([port, { verification }], index) => ({
    ...{ ...verification, urls: [`http://${LOOPBACK}:${port}`], models: ["unmask-demo"] },
    region: `region-${index}`,
  }));
  start("infra/edge/workerd/serve.ts", {
    UNMASK_PORT: String(edgePort),
    UNMASK_EDGE_BUILT: path.join(state, "built"),
    UNMASK_EDGE_STATE: path.join(state, "edge"),
    FUNCTION_URL: "",
    // Nobody fetches anything here.
    FETCH_URL: `http://${LOOPBACK}:${nobodysPort}`,
    FUNCTION_KEYS: JSON.stringify(keys),
    TICKET_KEY: JSON.stringify(tickets.signing),
    ADMIN_KEY,
    MODEL: "unmask-demo",
  });
  await vi.waitFor(async () => expect((await fetch(`${edgeUrl}/health`)).ok).toBe(true), {
    timeout: 60_000,
    interval: 200,
  });
  const admin = createAdminClient({ baseUrl: edgeUrl, apiKey: ADMIN_KEY });
  const account = await admin.createAccount({ id: "acc_registered", name: "Registered" });
  await admin.grant(account.id, { amount_micros: 1_000_000 });
  const { key: apiKey } = await admin.createKey({
    account: account.id,
    name: "asks",
    environment: "test",
    scopes: ["ask"],
  });
  client = createClient({ baseUrl: edgeUrl, apiKey });
}, 120_000);

afterAll(async () => {
  for (const child of children.reverse()) {
    const ended = new Promise((resolve) => child.once("close", resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await ended;
    }
  }
  rmSync(state, { recursive: true, force: true, maxRetries: 5 });
}, 60_000);

async function ask(
  question: string,
): Promise<{ readonly answer: string; readonly charged: number }> {
  const picture = new Uint8Array(readFileSync("test/fixtures/pictures/dog.png"));
  const { answer, charged_micros } = await client.ask({
    question,
    images: [picture],
    cache: "off",
  });
  return { answer, charged: charged_micros };
}

describe("functions that nobody named, but whose key is known", () => {
  let first: ChildProcess;

  test("are asked as soon as they have registered, and not before", async () => {
    expect(await health()).toEqual({ state: "none", ready: 0 });
    first = startFunction(firstPort);
    await vi.waitFor(async () => expect(await health()).toEqual({ state: "ready", ready: 1 }), {
      timeout: 60_000,
      interval: 500,
    });
    const { answer, charged } = await ask("What is this?");
    expect(answer).toBe("A dog.");
    expect(charged).toBeGreaterThan(0);
  }, 90_000);

  test("take the place of a region that is lost: what it was at and what is asked then is answered by the other", async () => {
    startFunction(secondPort);
    await vi.waitFor(async () => expect(await health()).toEqual({ state: "ready", ready: 2 }), {
      timeout: 60_000,
      interval: 500,
    });
    const before = ["What is this?", "Is there a dog?"].map(ask);
    first.kill("SIGKILL");
    const answers = await Promise.all([...before, ask("What is shown here?")]);
    expect(answers.map(({ answer }) => answer)).toEqual(["A dog.", "Yes.", "A dog."]);
  }, 120_000);
});
