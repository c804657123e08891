import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createClient } from "#client/client.ts";
import { RefusedError } from "#client/errors.ts";
import { isFull } from "../support/full.ts";
import { descendantsOf, listenersOf, liveProcesses } from "../support/linux-processes.ts";
import { type LocalSystem, startLocalSystem } from "../support/local-system.ts";
import {
  attributeOf,
  type CollectedSpan,
  type Collector,
  startCollector,
} from "../support/otlp-collector.ts";

/** Every path under which the installed miniflare serves something that is not the Worker. */
const innerPaths = [
  ...readFileSync("node_modules/miniflare/dist/src/workers/core/entry.worker.js", "utf8").matchAll(
    /^ {2}[A-Z0-9_]+: "(\/[\w/.-]+)",?$/gm,
  ),
].map(([, found = ""]) => found);

/** 127.0.0.1 as the kernel writes it. */
const LOOPBACK = "0100007F";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, maxRetries: 5 });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-start-"));
  folders.push(folder);
  return folder;
}

/** Starts the launcher's start.ts itself, and returns how it ended and what it said. */
async function start(
  state: string,
  args: readonly string[],
): Promise<{ status: number | null; said: string }> {
  const child = spawn(process.execPath, ["infra/local/start.ts", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, UNMASK_STATE: state },
  });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const status = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { status, said };
}

/** Takes a port and says nothing to whoever connects. */
async function muteListener(): Promise<{ port: number; close: () => void }> {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { port, close: () => void server.close() };
}

describe("the doors of a local system", () => {
  let system: LocalSystem;
  let collector: Collector;
  beforeAll(async () => {
    collector = await startCollector();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    system = await startLocalSystem("people", { env });
  }, 120_000);
  afterAll(async () => {
    await system[Symbol.asyncDispose]();
    await collector[Symbol.asyncDispose]();
  });

  test("a trace goes from the caller over edge and object to the function; of question, picture, answer and keys nothing is collected", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const caller = "00f067aa0ba902b7";
    const marker = "planted-marker-of-a-question";
    const picture = readFileSync("test/fixtures/pictures/dog.png").toString("base64");
    const response = await fetch(`${system.url}/v1/answers`, {
      method: "POST",
      headers: {
        ...{ authorization: `Bearer ${system.key}`, "content-type": "application/json" },
        traceparent: `00-${traceId}-${caller}-01`,
      },
      body: JSON.stringify({
        question: `What is this? ${marker}`,
        images: [{ data: picture }],
        canvas: 16,
      }),
    });
    expect(response.status).toBe(200);
    const { id, answer } = (await response.json()) as { id: string; answer: string };
    const named = (name: string): CollectedSpan | undefined =>
      collector.spans.find((span) => span.name === name && span.traceId === traceId);
    await vi.waitFor(
      () =>
        expect([named("request"), named("generate"), named("answer.dispatch")]).not.toContain(
          undefined,
        ),
      10_000,
    );
    expect(named("request")).toMatchObject({
      service: "unmask-edge",
      parentSpanId: caller,
      kind: 2,
    });
    expect(named("answer.dispatch")).toMatchObject({
      service: "unmask-edge",
      parentSpanId: named("request")?.spanId,
      kind: 3,
    });
    expect(named("generate")).toMatchObject({
      service: "unmask-function",
      parentSpanId: named("answer.dispatch")?.spanId,
      kind: 2,
    });
    for (const part of ["answer.wait", "answer.make"])
      expect(named(part)).toMatchObject({ parentSpanId: named("generate")?.spanId });
    for (const name of ["request", "answer.dispatch", "generate"])
      expect(attributeOf(named(name)?.attributes ?? [], "unmask.answer")).toBe(id);
    // Lines of the log join by the same trace.
    await vi.waitFor(() => {
      const services = collector.lines
        .filter((one) => one.traceId === traceId)
        .map(({ service }) => service);
      expect(new Set(services)).toEqual(new Set(["unmask-edge", "unmask-function"]));
    }, 10_000);
    expect(collector.spans.some(({ name }) => name === "weights.load")).toBe(true);
    expect(collector.faults).toEqual([]);
    const all = collector.raw.join("\n");
    const secret = system.key.split("_").at(-1) ?? system.key;
    for (const planted of [marker, answer, picture.slice(100, 160), secret, system.admin_key])
      expect(all).not.toContain(planted);
  });

  test("the lines that a person is told to export open the API", async () => {
    const client = createClient({ baseUrl: system.url, apiKey: system.key });
    const images = [new Uint8Array(readFileSync("test/fixtures/pictures/dog.png"))];
    const answer = await client.ask({ question: "What is this?", images, canvas: 16 });
    expect(answer).toMatchObject({ status: "completed", answer: "A dog." });
  });

  test("what follows a deployment tries it out: quote, answer, charge, replay, webhook; nothing of it stays", async () => {
    const args = ["smoke", "--url", system.url, "--key", system.key, "--json"];
    const child = spawn(process.execPath, ["infra/deploy/cloudflare/main.ts", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, UNMASK_DEPLOY_STATE: temporaryFolder() },
    });
    const told = JSON.parse(await text(child.stdout)) as { tried: { says: string }[] };
    const tried = ["health", "quote", "ask", "charge", "replay", "webhook"];
    expect(told).toMatchObject({
      good: true,
      chargedMicros: expect.any(Number),
      tried: tried.map((name) => ({ name, isGood: true })),
    });
    expect(told.tried.at(-1)?.says).toContain("its signature right");
    const { webhooks } = createClient({ baseUrl: system.url, apiKey: system.key });
    expect(await Array.fromAsync(webhooks.endpoints.list())).toEqual([]);
  });

  test("the paths of the tool that runs the Worker are known", () => {
    expect(innerPaths).toEqual(
      expect.arrayContaining(["/cdn-cgi/local/explorer", "/cdn-cgi/local/scheduled"]),
    );
  });

  test.each([
    ...innerPaths,
    "/cdn-cgi/local/explorer/api/d1/database",
    "/cdn-cgi/local/r2/s3/unmask-weights",
    "/cdn-cgi/local/r2/public/unmask-weights/models/unmask-demo/latest.json",
    "/cdn-cgi/mf/scheduled",
  ])("on the API's port %s is the Worker's, which knows nothing there", async (inner) => {
    for (const method of ["GET", "POST"]) {
      const reply = await fetch(`${system.url}${inner}`, { method, redirect: "manual" });
      expect(reply.status).toBe(404);
      expect(await reply.json()).toMatchObject({ code: "not_found" });
    }
  });

  test("object storage opens to nobody without its keys, by its names or by those of wrangler.toml", async () => {
    const secrets = readFileSync(path.join(system.state, "storage.json"), "utf8");
    const { bucket_suffix: suffix } = JSON.parse(secrets) as { bucket_suffix: string };
    const [, storage] = system.ports;
    const origin = `http://127.0.0.1:${storage}/cdn-cgi/local`;
    const statusOf = async (inner: string) => (await fetch(`${origin}/${inner}`)).status;
    expect(await statusOf(`r2/s3/unmask-weights-${suffix}/models/unmask-demo/latest.json`)).toBe(
      400,
    );
    expect(await statusOf("r2/public/unmask-weights/models/unmask-demo/latest.json")).toBe(404);
    // Who knows the bucket's name may read it: the name is a secret, and the one above is no such bucket.
    expect(
      await statusOf(`r2/public/unmask-weights-${suffix}/models/unmask-demo/latest.json`),
    ).toBe(200);
    for (const inner of ["explorer", "scheduled", "email"]) expect(await statusOf(inner)).toBe(404);
  });

  test.skipIf(process.platform !== "linux")(
    "nobody listens but those that the system names, on loopback, and no debugger",
    () => {
      const family = descendantsOf(system.child.pid ?? 0).map(({ pid }) => pid);
      const listeners = listenersOf(family);
      expect(new Set(listeners.map(({ port }) => port))).toEqual(new Set(system.ports));
      expect(new Set(listeners.map(({ address }) => address))).toEqual(new Set([LOOPBACK]));
    },
  );

  test("no picture is fetched from any of them, however its address is spelled", async () => {
    const client = createClient({ baseUrl: system.url, apiKey: system.key });
    const refusal = async (url: string): Promise<unknown> =>
      await client.ask({ question: "?", images: [{ url }] }).then(
        () => "answered",
        (cause) => (cause instanceof RefusedError ? cause.problem.code : cause),
      );
    for (const port of system.ports)
      for (const name of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"])
        expect(await refusal(`http://${name}:${port}/`)).toBe("image_fetch_blocked");
  });

  test("only its owner can read what it keeps, and no address with its query is among it", async () => {
    const marker = "signature-of-a-link";
    await fetch(`${system.url}/v1/models?token=${marker}`);
    const client = createClient({ baseUrl: system.url, apiKey: system.key });
    const { port, close } = await muteListener();
    close();
    const link = `http://127.0.0.1:${port}/dog.png?token=${marker}`;
    await expect(client.ask({ question: "?", images: [{ url: link }] })).rejects.toThrow();
    const entries = readdirSync(system.state, { recursive: true, encoding: "utf8" });
    const files = [".", ...entries].map((name) => path.join(system.state, name));
    // SQLite takes its files away when an object falls asleep.
    const kept = files.flatMap((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? [] : [{ file, stat }];
    });
    const open = kept.filter(({ stat }) => (stat.mode & 0o077) !== 0);
    expect(open).toEqual([]);
    const telling = kept.filter(
      ({ file, stat }) => stat.isFile() && existsSync(file) && readFileSync(file).includes(marker),
    );
    expect(telling).toEqual([]);
  });

  test("a second start in the same folder says what to do instead", async () => {
    const { status, said } = await start(system.state, ["--port", "0"]);
    expect(status).toBe(1);
    expect(said).toContain("another start uses");
    expect(said).toContain(`UNMASK_STATE=${path.join(system.state, "2")} npm start -- --port 0`);
  });

  test.skipIf(process.platform !== "linux")(
    "one part that is killed outright ends the others, and what it had started itself",
    async () => {
      await killOutright(system, "infra/local/edge.ts");
      expect(await system.ended).toBe(1);
    },
    60_000,
  );
});

describe("a state folder of an earlier version", () => {
  test("is closed to others by the next start, whatever becomes of that", async () => {
    const folder = temporaryFolder();
    const databases = path.join(folder, "edge/v3/d1");
    mkdirSync(databases, { recursive: true });
    writeFileSync(path.join(databases, "ledger.sqlite"), "");
    for (const name of ["", "edge", "edge/v3", "edge/v3/d1"])
      chmodSync(path.join(folder, name), 0o755);
    chmodSync(path.join(databases, "ledger.sqlite"), 0o644);
    const { port, close } = await muteListener();
    await start(folder, ["--port", String(port)]);
    close();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(databases).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(databases, "ledger.sqlite")).mode & 0o777).toBe(0o600);
  });
});

describe("a port that is taken", () => {
  test("is told before anything is started, although its holder says nothing", async () => {
    const { port, close } = await muteListener();
    const { status, said } = await start(temporaryFolder(), ["--port", String(port)]);
    close();
    expect(status).toBe(1);
    expect(said).toContain(`port ${port} is taken by another program`);
    expect(said).not.toContain("edge");
  });
});

describe.skipIf(process.platform !== "linux")("a system whose part is killed outright", () => {
  // Whoever is over all others here, each of them in `npm run test:full`: every one needs a system of its own.
  test.each(["npm start", ...(isFull ? ["infra/local/launch.js", "infra/local/start.ts"] : [])])(
    "leaves nobody behind, and with that no port taken: %s",
    async (part) => {
      await using system = await startLocalSystem();
      await killOutright(system, part);
    },
    120_000,
  );
});

/** Kills the part whose command line has these words, and waits until everybody is gone. */
async function killOutright(system: LocalSystem, part: string): Promise<void> {
  const family = descendantsOf(system.child.pid ?? 0);
  expect(family.map(({ command }) => command).join("\n")).toMatch(/workerd[\s\S]*function\.ts/);
  const victim = family.find(({ command }) => command.includes(part) && !command.startsWith("sh"));
  if (victim === undefined) throw new Error(`nobody of the system is called ${part}`);
  process.kill(victim.pid, "SIGKILL");
  const ours = new Set(family.map(({ pid }) => pid));
  await vi.waitFor(() => expect(liveProcesses().filter(({ pid }) => ours.has(pid))).toEqual([]), {
    timeout: 30_000,
    interval: 200,
  });
}
