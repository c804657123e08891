import { execFileSync } from "node:child_process";
import {
  answerModes,
  commitsToRefresh,
  type ModeTerms,
  modeTerms,
  plannedRefreshes,
} from "#domain/modes.ts";
import { tensor } from "#domain/tensor.ts";
import type { OrtEngine } from "#engine/ort-engine.ts";
import { openCanvas } from "#model/decode/canvas.ts";
import { type DecodePlan, decode } from "#model/decode/decode.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { servicePolicy } from "#model/decode/policy.ts";
import { type Bench, type Measure, random, rounded, shortest } from "./measure.ts";
import { openSynthEngine } from "./synth-engine.ts";

/** The question of every figure here: a prompt with a picture in it. */
const PROMPT = 1000;
const SMALL_PROMPT = 100;

interface Asked {
  readonly canvas: number;
  readonly steps: number;
}

/** A long answer at a step a token, and a short one at two tokens a step. */
const ASKED: readonly Asked[] = [
  { canvas: 128, steps: 128 },
  { canvas: 32, steps: 16 },
];

/** How often `cached` computes the prompt anew, as LLaDA-V's card has it. */
const REFRESH = 4;

/** An answer is run whole where it takes no more than this share of the time that is left; else it is told from its passes. */
const SHARE_OF_TIME = 0.3;

const never = new AbortController().signal;

/** Passes of three kinds, in milliseconds. */
interface Passes {
  readonly plain: number;
  readonly refresh: number;
  readonly window: number;
}

/** Answers of the 8B's shape over random weights, in every mode: what a client would wait for them. */
export const answers: Measure = async (bench) => {
  const { order, begin, tell } = bench;
  const before = gpuMegabytes();
  const { engine, weightBytes, loadSeconds } = await openSynthEngine(bench);
  tell({
    what: "load",
    weightsGB: rounded(weightBytes / 1e9),
    loadSeconds: rounded(loadSeconds),
    loadGBs: rounded(weightBytes / 1e9 / loadSeconds),
    rssMB: Math.round(process.resourceUsage().maxRSS / 1024),
    gpuMB: before === null ? null : (gpuMegabytes() ?? 0) - before,
  });
  await see(bench, engine);
  const prompt = order.small ? SMALL_PROMPT : PROMPT;
  for (const asked of order.small ? ASKED.slice(1) : ASKED) {
    begin(`passes, canvas ${asked.canvas}`);
    const passes = await timePasses(bench, engine, prompt, asked);
    tell({
      what: "passes",
      prompt,
      canvas: asked.canvas,
      plainMs: rounded(passes.plain),
      refreshMs: rounded(passes.refresh),
      windowMs: rounded(passes.window),
    });
    for (const mode of answerModes) {
      begin(`${mode}, canvas ${asked.canvas}`);
      tell(await answerIn(bench, engine, prompt, asked, modeTerms(mode, REFRESH), passes));
    }
  }
  tell({
    what: "memory",
    rssMB: Math.round(process.resourceUsage().maxRSS / 1024),
    gpuMB: before === null ? null : (gpuMegabytes() ?? 0) - before,
  });
};

/** What a view costs before the first step. */
async function see(bench: Bench, engine: OrtEngine): Promise<void> {
  const { vision } = engine.architecture;
  if (vision === undefined) return;
  bench.begin("a view");
  const size = 3 * vision.imageSize ** 2;
  const view = tensor([1, 3, vision.imageSize, vision.imageSize], random(size));
  const ms = await shortest(bench, 3, () => engine.encodeImage(view, never));
  bench.tell({ what: "view", viewMs: rounded(ms) });
}

async function timePasses(
  bench: Bench,
  engine: OrtEngine,
  prompt: number,
  { canvas }: Asked,
): Promise<Passes> {
  const { hiddenSize } = engine.architecture.language;
  const rows = prompt + canvas;
  const embeddingsSD = tensor([rows, hiddenSize], random(rows * hiddenSize));
  const asked = Array.from({ length: canvas }, (_, row) => prompt + row);
  const pass = { embeddingsSD, rows: asked, suppressed: [] };
  const kept = engine.openPrefix();
  const using = (refresh: "whole" | "none") => ({
    ...pass,
    prefix: { kept, length: prompt, refresh },
  });
  const passes = {
    plain: await shortest(bench, 3, () => engine.denoise(pass, never)),
    refresh: await shortest(bench, 3, () => engine.denoise(using("whole"), never)),
    window: await shortest(bench, 7, () => engine.denoise(using("none"), never)),
  };
  kept.release();
  return passes;
}

/** Runs an answer, or works out from its passes what it would take: random weights leave no step out, so both have as many. */
async function answerIn(
  bench: Bench,
  engine: OrtEngine,
  prompt: number,
  { canvas, steps }: Asked,
  terms: ModeTerms,
  passes: Passes,
): Promise<Record<string, string | number>> {
  const whole = terms.mode === "exact" ? passes.plain : passes.refresh;
  const planned = plannedRefreshes(terms, steps);
  const refreshes = planned.filter((isRefresh) => isRefresh).length;
  const expectedMs = refreshes * whole + (steps - refreshes) * passes.window;
  const row = { what: "answer", mode: terms.mode, prompt, canvas, steps };
  if (expectedMs > bench.leftMs() * SHARE_OF_TIME)
    return {
      ...row,
      seconds: rounded(expectedMs / 1000),
      how: `from ${refreshes} whole passes and ${steps - refreshes} of the canvas`,
    };
  const { hiddenSize } = engine.architecture.language;
  const promptPD = tensor([prompt, hiddenSize], random(prompt * hiddenSize));
  const startedMs = performance.now();
  const open = await openCanvas(engine, promptPD, canvas, [], servicePolicy, never);
  let taken = 0;
  for await (const _ of decode(engine, open, planOf(terms, canvas, steps), servicePolicy, never))
    taken += 1;
  const seconds = rounded((performance.now() - startedMs) / 1000);
  return { ...row, steps: taken, seconds, how: "measured" };
}

function planOf(terms: ModeTerms, canvas: number, steps: number): DecodePlan {
  const { mode, refresh, commit } = terms;
  const refreshes = {
    exact: { kind: "always" },
    cached: { kind: "every", steps: refresh },
    fast: { kind: "by_commits", commits: commitsToRefresh(canvas), steps: refresh },
  } as const;
  return {
    blockLength: canvas,
    steps,
    ending: () => ({ stopAt: undefined, stableUntil: 0 }),
    temperature: 0,
    remasking: "low_confidence",
    guidanceScale: 0,
    refresh: refreshes[mode],
    commit:
      commit.rule === "schedule" ? { kind: "schedule" } : { ...commit, kind: "entropy", ends: [] },
    uniform: mulberry32(1),
  };
}

/** Memory in use of the first GPU; null where nobody can say. */
function gpuMegabytes(): number | null {
  try {
    const args = ["--query-gpu=memory.used", "--format=csv,noheader,nounits"];
    const said = execFileSync("nvidia-smi", args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return Number.parseInt(said, 10);
  } catch {
    return null;
  }
}
