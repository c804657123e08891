import { setTimeout as sleep } from "node:timers/promises";
import type { Reporter } from "#cli/convert/report.ts";
import { rateMeter } from "#weights/progress.ts";
import { type FunctionStatus, functionStatusSchema } from "#wire/function/status.ts";
import { lastLines } from "../processes.ts";
import { complaintOf, type LocalFunction } from "./function-process.ts";

/** Between two looks: a small model is there in a second. */
const LOOK_MS = 100;

/** A function that says nothing new for so long hangs: the self-test of an 8B on two cores takes a few minutes. */
const STILL_MS = 15 * 60_000;

/**
 * Waits until a function serves its model, and says how far its weights are. Throws an Error with the end of its log where it
 * ends for good, says nothing new for a quarter of an hour, or says that its model can never be served.
 */
export async function untilReady(
  { process, url, model }: LocalFunction,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  let fate: string | undefined;
  void process.ended.then((how) => {
    fate = how;
  });
  let latest = { bytes: -1, atMs: performance.now() };
  let meter: ReturnType<typeof rateMeter> | undefined;
  const fail = (words: string): never => {
    throw new Error(`${process.name} ${words}:\n${lastLines(process.logFile, 20)}`);
  };
  for (;;) {
    signal.throwIfAborted();
    if (fate !== undefined) fail(fate);
    const status = await statusOf(url);
    if (status?.state === "ready") break;
    const complaint = status === undefined ? await complaintOf(url) : undefined;
    if (status?.state === "failed" || complaint !== undefined)
      fail(`cannot serve its model${complaint === undefined ? "" : ` (${complaint})`}`);
    const nowMs = performance.now();
    const bytes = status?.loaded_bytes ?? -1;
    if (bytes !== latest.bytes) latest = { bytes, atMs: nowMs };
    if (nowMs - latest.atMs > STILL_MS) fail("was not ready in time");
    if (status !== undefined && status.loaded_bytes < status.total_bytes) {
      meter ??= rateMeter(status.total_bytes);
      reporter.progress(meter(status.loaded_bytes), `unmask: weights of ${model.name}`);
    }
    await sleep(LOOK_MS);
  }
  process.watch();
}

async function statusOf(url: string): Promise<FunctionStatus | undefined> {
  try {
    const response = await fetch(`${url}/status`, { signal: AbortSignal.timeout(2_000) });
    const parsed = functionStatusSchema.safeParse(await response.json());
    return response.ok && parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // not listening yet
  }
}
