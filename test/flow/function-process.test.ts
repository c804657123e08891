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
}

async function startFunction(
  args: readonly string[] = [],
  entry = "src/inference/function.ts",
): Promise<RunningFunction> {
  const store = await serveObjects(fileStore("infra/demo-model/bundle"), "weights");
  left.push(() => store.close());
  const port = await freePort();
  const child = spawn(process.execPath, [...args, entry], {
    stdio: ["ignore", "inherit", "pipe"],
    env: {
      ...process.env,
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
  const waiting = new Map<string, () => void>();
  createInterface({ input: child.stderr! }).on("line", (line) => {
    const event = /"event":"([\w.]+)"/.exec(line)?.[1] ?? line;
    events.add(event);
    waiting.get(event)?.();
  });
  const ended = new Promise<number | string | null>((resolve) =>
    child.once("exit", (code, signal) => resolve(signal ?? code)),
  );
  const said = (event: string) =>
    new Promise<void>((resolve, reject) => {
      if (events.has(event)) return resolve();
      waiting.set(event, resolve);
      void ended.then((how) => reject(new Error(`ended with ${how}: ${[...events].join("\n")}`)));
    });
  return { child, said, ended };
}

describe("asked to end, the function ends with 0", () => {
  test.each(["function.listening", "model.opened", "model.ready"])("after %s", async (event) => {
    const { child, said, ended } = await startFunction();
    await said(event);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
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
