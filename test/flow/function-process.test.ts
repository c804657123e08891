import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "vitest";
import { fileStore } from "#inference/file-store.ts";
import { freePort } from "../../infra/local/ports.ts";
import { serveObjects } from "../support/object-server.ts";

const left: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of left.splice(0)) await clean();
});

interface RunningFunction {
  readonly child: ChildProcess;
  /** Resolves when the event has been logged. */
  readonly said: (event: string) => Promise<void>;
  /** How it ended: its exit status, or the signal's name. */
  readonly ended: Promise<number | string | null>;
  /** What it has written, line by line. */
  readonly lines: readonly string[];
}

async function startFunction(
  args: readonly string[] = [],
  entry = "src/inference/function.ts",
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningFunction> {
  const store = await serveObjects(fileStore("infra/demo-model/bundle"), "weights");
  left.push(() => store.close());
  const port = await freePort();
  const child = spawn(process.execPath, [...args, entry], {
    stdio: ["ignore", "inherit", "pipe"],
    env: {
      ...process.env,
      ...environment,
      UNMASK_PORT: String(port),
      UNMASK_S3_ENDPOINT: store.origin,
      UNMASK_S3_BUCKET: "weights",
      UNMASK_S3_ACCESS_KEY_ID: "id",
      UNMASK_S3_SECRET_ACCESS_KEY: "secret",
      UNMASK_TICKET_KEYS:
        '[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"one"}]',
    },
  });
  left.push(() => void child.kill("SIGKILL"));
  const events = new Set<string>();
  const lines: string[] = [];
  const waiting = new Map<string, () => void>();
  createInterface({ input: child.stderr! }).on("line", (line) => {
    lines.push(line);
    const event = /"event":"([\w.]+)"/.exec(line)?.[1] ?? line;
    events.add(event);
    waiting.get(event)?.();
  });
  // Closed, not only ended: then all that it wrote has been read.
  const ended = new Promise<number | string | null>((resolve) =>
    child.once("close", (code, signal) => resolve(signal ?? code)),
  );
  const said = (event: string) =>
    new Promise<void>((resolve, reject) => {
      if (events.has(event)) return resolve();
      waiting.set(event, resolve);
      void ended.then((how) => reject(new Error(`ended with ${how}: ${[...events].join("\n")}`)));
    });
  return { child, said, ended, lines };
}

describe("asked to end, the function ends with 0", () => {
  test.each(["function.listening", "model.opened", "model.ready"])("after %s", async (event) => {
    const { child, said, ended } = await startFunction();
    await said(event);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
});

describe("a function whose runtime goes wrong ends by itself, for its supervisor", () => {
  const faulty = ["--import", path.resolve("test/support/faulty-runtime.ts")];
  const goingWrong = (at: "create" | "run", after: number, text: string) =>
    startFunction(faulty, "src/inference/function.ts", {
      UNMASK_TEST_FAULT: JSON.stringify({ at, after, text }),
    });

  test("with 78 where no process on this machine can do better, and its last line says why", async () => {
    const text = "Failed to get a WebGPU adapter: No supported adapters";
    const { said, ended, lines } = await goingWrong("create", 0, text);
    await said("function.replaced");
    expect(await ended).toBe(78);
    expect(lines.at(-1)).toContain(`cannot be served with provider cpu (no_gpu)`);
    expect(lines.at(-1)).toContain(text);
  });

  test("with 75 where its weights found no memory, with the numbers", async () => {
    const { said, ended, lines } = await goingWrong("create", 2, "CUDA failure 2: out of memory");
    await said("function.replaced");
    expect(await ended).toBe(75);
    expect(lines.at(-1)).toMatch(/\(out_of_memory\).* It brings \d+\.\d\d GB of weights\.$/);
  });

  test("by the signal of its crash, never silently", async () => {
    const { ended } = await goingWrong("create", 2, "SIGSEGV");
    expect(await ended).toBe("SIGSEGV");
  });
});

describe("with production dependencies alone", () => {
  const productionOnly = ["--import", path.resolve("test/support/production-only.ts")];

  test("the function starts and loads its model", async () => {
    const { said, child, ended } = await startFunction(productionOnly);
    await said("model.ready");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  test("the fetch hop starts", async () => {
    const { said, child, ended } = await startFunction(
      productionOnly,
      "src/inference/fetch-hop.ts",
    );
    await said("hop.listening");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  test("a tool would be missing", async () => {
    const tool = [...productionOnly, "--eval", 'await import("typescript")'];
    const { stderr, status } = spawnSync(process.execPath, tool, { encoding: "utf8" });
    expect([status, stderr]).toEqual([1, expect.stringContaining("not there in production")]);
  });
});
