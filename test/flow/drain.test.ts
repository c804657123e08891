import "../support/fixed-length-stream.ts";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { generateAnswer } from "#edge/answers/making/generation-attempts.ts";
import { type DispatchMeans, dispatch } from "#edge/fleet/dispatch.ts";
import type { Settings } from "#edge/settings.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { options } from "../support/edge-builders.ts";
import { asked } from "../support/orders.ts";
import { firstOf } from "../support/serving-fleet.ts";

// Two functions as processes of their own, as containers are run, and the code by which the edge's object of an answer asks them.

interface RunningFunction {
  readonly child: ChildProcess;
  readonly url: string;
  readonly lines: readonly string[];
  readonly ended: Promise<number | string | null>;
}

const { signing: ticketKey, verification } = await generateTicketKeys("test");

async function startFunction(environment: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ["src/inference/function.ts"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      PATH: process.env["PATH"],
      UNMASK_BUNDLE: "infra/demo-model/bundle",
      UNMASK_TICKET_KEYS: JSON.stringify([verification]),
      UNMASK_THREADS: "1",
      ...environment,
    },
  });
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  const ended = new Promise<number | string | null>((resolve) =>
    child.once("close", (code, signal) => resolve(signal ?? code)),
  );
  const port = await vi.waitFor(
    () => {
      const [, found] = /"event":"function.listening".*"port":(\d+)/.exec(lines.join("\n")) ?? [];
      if (found === undefined) throw new Error(`it does not listen: ${lines.join("\n")}`);
      return found;
    },
    { timeout: 20_000, interval: 20 },
  );
  return { child, url: `http://127.0.0.1:${port}`, lines, ended };
}

const status = async (url: string): Promise<number> => (await fetch(url)).status;

const question = {
  messages: [{ role: "user" as const, text: "What is this?" }],
  images: [new Uint8Array(readFileSync("test/fixtures/pictures/dog.png"))],
  options: options({ canvas: 64, steps: 64, blockLength: 64 }),
};

/** Asks the functions in this order, and makes the answer to its end. `onStep` is called with each step that is told. */
async function answerFrom(urls: readonly string[], onStep: (step: number) => void = () => {}) {
  const asking: string[] = [];
  const means = {
    settings: { functionSilenceSeconds: 60, ticketKey } as Settings,
    ...firstOf(urls),
    pictures: {} as DispatchMeans["pictures"],
  };
  const job = { id: "ans_a", accountId: "acc_1", card: { id: "unmask-demo" } };
  let attempts = 0;
  const events = generateAnswer({
    turn: async () => undefined,
    dispatch: async (signal, numerics, digest) => {
      asking.push(numerics ?? "any");
      return await dispatch({ ...job, question: asked(question) }, means, {
        ...{ owner: null, requestId: "req_1", traceparent: null, deadlineAt: null },
        ...{ numerics, signal, weights: digest === null ? null : { digest, areRequired: false } },
      });
    },
    attempt: () => {
      attempts += 1;
      return attempts;
    },
    takeBack: () => {
      attempts -= 1;
    },
    patience: () => null,
    progress: { modelDigest: null, started: null, frames: [] },
    onTaken: () => undefined,
    onWeights: () => undefined,
    signal: new AbortController().signal,
    pause: async () => undefined,
    question,
  });
  const told = [];
  for await (const event of events) {
    told.push(event);
    if (event.kind === "answer.frame") onStep(event.step);
  }
  return { told, asking, attempts };
}

describe("a function as a container", () => {
  let [one, two]: RunningFunction[] = [];

  beforeAll(async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    // Node wants to be told that it may send while it hears; the edge's runtime does so anyway.
    const send = globalThis.fetch;
    vi.spyOn(globalThis, "fetch").mockImplementation(
      async (input, init) => await send(input, { ...init, duplex: "half" } as RequestInit),
    );
    const token = { UNMASK_METRICS_TOKEN: "0123456789abcdef" };
    [one, two] = await Promise.all([
      // No time to drain but to say so: what is in the making is cut off, as an answer of minutes is in ten seconds.
      startFunction({ PORT: "0", UNMASK_DRAIN_TIMEOUT_MS: "40", ...token }),
      startFunction({ UNMASK_PORT: "0" }),
    ]);
  });
  afterAll(() => {
    for (const running of [one, two]) running?.child.kill("SIGKILL");
    vi.restoreAllMocks();
  });

  const both = (): [RunningFunction, RunningFunction] => {
    if (one === undefined || two === undefined) throw new Error("a function did not start");
    return [one, two];
  };

  test("is found by the port of its host, says when it is ready, and tells its metrics to who has the token", async () => {
    const [first] = both();
    await vi.waitFor(async () => expect(await status(`${first.url}/ping`)).toBe(200), {
      timeout: 25_000,
    });
    expect(await (await fetch(`${first.url}/health/ready`)).json()).toEqual({ status: "ready" });
    expect(await status(`${first.url}/health/live`)).toBe(200);
    expect(await status(`${first.url}/metrics`)).toBe(401);
    const headers = { authorization: "Bearer 0123456789abcdef" };
    const metrics = await (await fetch(`${first.url}/metrics`, { headers })).text();
    expect(metrics).toContain("unmask_queue_steps 0");
    expect(metrics).toContain("unmask_ready 1");
    // It is asked by PORT, and listens where only this machine reaches it.
    expect(first.lines.join("\n")).toContain("UNMASK_HOST=0.0.0.0");
  });

  test("that is ended by SIGTERM in the middle of an answer cuts it off in time, and the other of its class goes on with it: nothing is told twice, and the same tokens", async () => {
    const [first, second] = both();
    await vi.waitFor(async () => expect(await status(`${second.url}/ping`)).toBe(200), {
      timeout: 25_000,
    });
    const whole = await answerFrom([second.url]);
    const cut = await answerFrom([first.url, second.url], (step) => {
      if (step !== 1) return;
      first.child.kill("SIGTERM");
    });
    const [completed, goneOn] = [whole.told.at(-1), cut.told.at(-1)];
    if (completed?.kind !== "answer.completed" || goneOn?.kind !== "answer.completed")
      throw new Error(JSON.stringify([completed, goneOn]));
    expect([goneOn.answer, goneOn.tokens]).toEqual([completed.answer, completed.tokens]);
    expect(goneOn.digest).toBe(completed.digest);
    const steps = cut.told.flatMap((event) => (event.kind === "answer.frame" ? [event.step] : []));
    expect(steps).toEqual(steps.toSorted((left, right) => left - right));
    expect(new Set(steps).size).toBe(steps.length);
    expect(cut.told.filter(({ kind }) => kind === "answer.started")).toHaveLength(1);
    expect(cut.told.filter(({ kind }) => kind === "answer.restarted")).toEqual([]);
    const started = whole.told.find((event) => event.kind === "answer.started");
    expect(cut.asking).toEqual(["any", started?.numerics]);
    // It was the place that ended, not the answer that killed it.
    expect(cut.attempts).toBe(1);
    expect(await first.ended).toBe(0);
    expect(first.lines.join("\n")).toContain('"event":"function.cut","running":1');
  });
});
