import { spawn } from "node:child_process";
import path from "node:path";
import type { Order, Row } from "../measure/measure.ts";
import type { Step } from "./plan.ts";

/** What became of a step. */
export interface StepResult {
  readonly step: string;
  readonly measure: string;
  readonly provider: string;
  readonly options: Order["options"];
  /** `failed` also where lines came before the end did not. */
  readonly outcome: "measured" | "failed" | "skipped";
  /** Why it failed or was skipped, and at what. */
  readonly why?: string;
  readonly seconds: number;
  readonly rows: readonly Row[];
}

/** How a step's process is run. */
export interface StepSetting {
  readonly small: boolean;
  readonly environment: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch at which everything must have ended. */
  readonly endMs: number;
}

/** Below this there is no point in starting a process. */
const LEAST_MS = 3000;

const SCRIPT = path.resolve(import.meta.dirname, "../measure/main.ts");

/** What a process prints is kept to this: threat: a driver that warns at every call; 64 kB hold its last words. */
const MAX_WORDS = 65_536;

export function skipped(step: Step, why: string): StepResult {
  return { ...named(step), outcome: "skipped", why, seconds: 0, rows: [] };
}

/** Runs a step in a process of its own. Never throws: a crash is a result. */
export async function runStep(step: Step, setting: StepSetting): Promise<StepResult> {
  const startMs = Date.now();
  const endMs = Math.min(setting.endMs, startMs + step.limitSeconds * 1000);
  if (endMs - startMs < LEAST_MS) return skipped(step, "no time left");
  const { measure, provider, options } = step;
  const order: Order = { measure, provider, options, small: setting.small, endMs };
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(order)], {
    env: { ...process.env, ...setting.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), endMs - startMs);
  const said = collect(child.stdout);
  const words = collect(child.stderr);
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>(
    (resolve) => {
      child.once("error", () => resolve({ code: -1, signal: null }));
      child.once("close", (code, signal) => resolve({ code, signal }));
    },
  );
  clearTimeout(timer);
  const lines = said().split("\n");
  const parsed = (keyword: string): unknown[] =>
    lines
      .filter((line) => line.startsWith(`${keyword} `))
      .map((line) => JSON.parse(line.slice(keyword.length + 1)));
  const rows = parsed("ROW") as Row[];
  const result = { ...named(step), seconds: (Date.now() - startMs) / 1000, rows };
  if (lines.includes("END")) return { ...result, outcome: "measured" };
  const at = parsed("AT").at(-1) ?? "the start";
  const how = Date.now() >= endMs ? "took too long" : `ended with ${signal ?? `code ${code}`}`;
  const why = parsed("WHY").at(-1) ?? lastError(words());
  return { ...result, outcome: "failed", why: `${how} at ${at}${why === "" ? "" : `: ${why}`}` };
}

function named({ name, measure, provider, options }: Step) {
  return { step: name, measure, provider, options };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (piece: string) => {
    text = (text + piece).slice(-MAX_WORDS);
  });
  return () => text;
}

/** What native code said before it ended the process. */
function lastError(words: string): string {
  const line = words.split("\n").findLast((candidate) => /error|fail|abort/i.test(candidate));
  return line?.trim().slice(0, 300) ?? "";
}
