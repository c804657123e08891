import { type Canvas, openCanvas } from "#model/decode/canvas.ts";
import { type DecodePlan, type DecodeStep, decode } from "#model/decode/decode.ts";
import { endAtIds, type Stops } from "#model/decode/ending.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { type DecodePolicy, servicePolicy } from "#model/decode/policy.ts";
import type { Engine } from "#model/engine.ts";

/** What a test says about a decoding; the rest is one block, one token a step, temperature 0. */
export interface DecodingSetup extends Partial<DecodePlan> {
  readonly length: number;
  /** Sequences of ids that end the answer, as in the reference. */
  readonly stops?: Stops;
  readonly prompt?: readonly number[];
  readonly suffix?: readonly number[];
  readonly policy?: DecodePolicy;
  readonly signal?: AbortSignal;
}

/** Opens a canvas and the generator that fills it. */
export async function startDecoding(
  engine: Engine,
  setup: DecodingSetup,
): Promise<{ canvas: Canvas; steps: AsyncGenerator<DecodeStep, void, undefined> }> {
  const { length, stops = [], prompt = [30], suffix = [], policy, ...overrides } = setup;
  const signal = setup.signal ?? new AbortController().signal;
  const promptPD = await engine.embedTokens(prompt, signal);
  const rules = policy ?? servicePolicy;
  const canvas = await openCanvas(engine, promptPD, length, suffix, rules, signal);
  const plan: DecodePlan = {
    blockLength: length,
    steps: length,
    ending: endAtIds(stops),
    temperature: 0,
    remasking: "low_confidence",
    guidanceScale: 0,
    refresh: { kind: "always" },
    commit: { kind: "schedule" },
    uniform: mulberry32(1),
    ...overrides,
  };
  return { canvas, steps: decode(engine, canvas, plan, rules, signal) };
}

/** Decodes to the end. */
export async function runDecoding(
  engine: Engine,
  setup: DecodingSetup,
): Promise<{ canvas: Canvas; steps: DecodeStep[] }> {
  const { canvas, steps } = await startDecoding(engine, setup);
  return { canvas, steps: await Array.fromAsync(steps) };
}
