// Loads the bundle "bench" into a function's model host and answers while it loads; run by load.bench.ts in a process
// of its own, so that its peak memory is that of a function and nothing else.

import { tmpdir } from "node:os";
import type { Architecture } from "#domain/architecture.ts";
import { tensor } from "#domain/tensor.ts";
import type { StageSource } from "#inference/loading/stage-threads.ts";
import { createModelHost, type ModelHost } from "#inference/model-host.ts";
import { openModel } from "#inference/model-loader.ts";
import { loadKernels } from "#inference/runtime/kernels.ts";
import { answer } from "#model/answer.ts";
import type { Engine } from "#model/engine.ts";
import type { ReadableStore } from "#weights/object-store.ts";

/** What a cold function does until and after its first answer. */
export interface FirstAnswer {
  /** From the process's first request to the last byte in place. */
  readonly loadSeconds: number;
  /** From the last byte to the end of the answer that was asked for at the start: text only, canvas 4, one step. */
  readonly lastByteToAnswerMs: number;
  /** One pass over exactly 32 positions, all of them asked of the head: median of five. */
  readonly stepOf32Ms: number;
  readonly peakRssBytes: number;
}

const forever = new AbortController().signal;

/** How often the status is looked at: the resolution of the last byte's time. */
const POLL_MS = 2;

export async function measureFirstAnswer(
  store: ReadableStore,
  source: StageSource["store"],
): Promise<FirstAnswer> {
  const { resize } = await loadKernels();
  const startedMs = performance.now();
  const host = createModelHost({
    model: "bench",
    provider: "cpu",
    resize,
    log: (event, fields) => process.stderr.write(`${event} ${JSON.stringify(fields)}\n`),
    scratch: tmpdir(),
    open: (signal) => openModel({ store, apart: { store: source }, model: "bench", signal }),
  });
  const { tools } = await host.described(forever);
  const [lastByteMs, answeredMs] = await Promise.all([lastByte(host), firstAnswer(tools)]);
  const stepOf32Ms = await medianStep(tools.engine);
  return {
    loadSeconds: (lastByteMs - startedMs) / 1000,
    lastByteToAnswerMs: answeredMs - lastByteMs,
    stepOf32Ms,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

async function lastByte(host: ModelHost): Promise<number> {
  while (true) {
    const status = host.status();
    if (!status.ok || status.value.state === "failed") throw new Error("the load failed");
    const { loaded_bytes, total_bytes } = status.value;
    if (loaded_bytes === total_bytes) return performance.now();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function firstAnswer(tools: Parameters<typeof answer>[1]): Promise<number> {
  const question = {
    messages: [{ role: "user", text: "Hello" } as const],
    pictures: [],
    options: {
      detail: "low",
      canvas: 4,
      steps: 1,
      blockLength: 4,
      mode: "exact",
      refresh: 1,
      commit: { rule: "schedule" },
      temperature: 0,
      seed: 0,
      stop: [],
    } as const,
  };
  const events = await Array.fromAsync(answer(question, tools, forever));
  if (events.at(-1)?.kind !== "answer.completed") throw new Error("there was no answer");
  return performance.now();
}

async function medianStep(engine: Engine): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const startedMs = performance.now();
    await engine.denoise(passOf32(engine.architecture), forever);
    times.push(performance.now() - startedMs);
  }
  return times.sort((left, right) => left - right)[2] ?? Number.NaN;
}

function passOf32({ language }: Architecture): Parameters<Engine["denoise"]>[0] {
  const data = Float32Array.from({ length: 32 * language.hiddenSize }, (_, index) =>
    Math.sin(index),
  );
  return {
    embeddingsSD: tensor([32, language.hiddenSize], data),
    rows: Array.from({ length: 32 }, (_, row) => row),
    suppressed: [],
  };
}
