import type { Tensor } from "#domain/tensor.ts";
import { answerTokens, openCanvas } from "#model/decode/canvas.ts";
import type { CommitRule } from "#model/decode/commit.ts";
import { confidenceOf } from "#model/decode/confidence.ts";
import { type DecodePlan, type DecodeStep, decode } from "#model/decode/decode.ts";
import { endAtIds } from "#model/decode/ending.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { referencePolicy } from "#model/decode/policy.ts";
import type { RefreshRule } from "#model/decode/refresh.ts";
import type { Engine, ForwardPass, Predictions } from "#model/engine.ts";
import { type Comparison, tolerances } from "./comparison.ts";
import type { CaseFile, ReferenceCase, RunFile, TraceEntry } from "./reference-case.ts";

/** Decodes one run of a case as the reference did and compares every step of it, and the answer. */
export async function compareRun(
  engine: Engine,
  reference: ReferenceCase,
  index: number,
  prompt: Tensor,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<void> {
  const run = reference.file.runs[index];
  if (run === undefined) throw new Error(`${reference.name} has no run ${index}`);
  const suffix = run.suffix_token_ids ?? [];
  const passes: RecordedPass[] = [];
  const recording = recordPasses(engine, passes);
  const canvas = await openCanvas(engine, prompt, run.gen_length, suffix, referencePolicy, signal);
  const steps: DecodeStep[] = [];
  for await (const step of decode(recording, canvas, planOf(run), referencePolicy, signal)) {
    steps.push(step);
  }
  compareIds(engine, reference.file, run, passes, comparison);
  for (const [pass, entry] of run.trace.entries()) {
    const step = steps[pass];
    if (step === undefined) break;
    compareStep(step, entry, run, comparison);
    comparison.same(`${label(step)} forward_len`, step.rows, entry.forward_len);
  }
  comparison.same("num_forwards", steps.length, run.num_forwards);
  comparison.same("output", answerTokens(canvas), run.output);
  compareCandidates(reference, index, passes, canvas.promptLength, comparison);
}

/** The ids that steered the run: the mask, and those that were never to be written. */
function compareIds(
  engine: Engine,
  { special_ids: ids }: CaseFile,
  run: RunFile,
  passes: readonly RecordedPass[],
  comparison: Comparison,
): void {
  if (run.mask_id !== undefined) {
    comparison.same("mask_id", engine.architecture.special.mask, run.mask_id);
  }
  if (ids.suppressed === undefined) return;
  const suppressed = new Set(passes.flatMap((pass) => pass.suppressed));
  comparison.same("suppressed ids", inOrder([...suppressed]), inOrder(ids.suppressed));
}

function inOrder(ids: readonly number[]): number[] {
  return ids.toSorted((a, b) => a - b);
}

function planOf(run: RunFile): DecodePlan {
  return {
    blockLength: run.block_length,
    steps: run.steps,
    ending: endAtIds(run.stop_token_sequences ?? []),
    temperature: run.temperature ?? 0,
    remasking: run.remasking === "random" ? "random" : "low_confidence",
    guidanceScale: run.cfg_scale ?? 0,
    refresh: refreshOf(run),
    commit: commitOf(run),
    uniform: mulberry32(run.noise_seed ?? 0),
  };
}

function refreshOf({ mode, prefix_refresh_interval: steps }: RunFile): RefreshRule {
  if (mode === "fast" && steps !== undefined) return { kind: "every", steps };
  // Fast-dLLM's own code computes the prefix once for each block.
  return mode === "nv_prefix_cache"
    ? { kind: "every", steps: Number.POSITIVE_INFINITY }
    : { kind: "always" };
}

/** What one number means to the two codes that call it a threshold. */
function commitOf({ mode, threshold }: RunFile): CommitRule {
  if (typeof threshold !== "number") return { kind: "schedule" };
  return mode === "fast"
    ? { kind: "factor", factor: threshold }
    : { kind: "threshold", least: threshold };
}

/** What the engine was asked in one pass, and what it said about each asked row. */
interface RecordedPass {
  readonly rows: readonly number[];
  readonly suppressed: readonly number[];
  readonly predictions: Predictions;
}

function recordPasses(engine: Engine, into: RecordedPass[]): Engine {
  return {
    ...engine,
    async denoise(pass: ForwardPass, signal: AbortSignal) {
      const predictions = await engine.denoise(pass, signal);
      into.push({ rows: pass.rows, suppressed: pass.suppressed, predictions });
      return predictions;
    },
  };
}

function compareStep(
  step: DecodeStep,
  entry: TraceEntry,
  { threshold, num_transfer_tokens: schedules }: RunFile,
  comparison: Comparison,
): void {
  const name = label(step);
  if (entry.block !== undefined && entry.step !== undefined)
    comparison.same(`${name} place`, [step.block, step.step], [entry.block, entry.step]);
  // With a threshold the schedule says how many there are to choose from, and the reference how many were chosen.
  const hasThreshold = typeof threshold === "number";
  const planned = hasThreshold ? step.reveals.length : step.schedule[step.step];
  comparison.same(`${name} k`, planned, entry.k);
  if (schedules !== undefined && !hasThreshold)
    comparison.same(`${name} schedule`, step.schedule, schedules[step.block]);
  const expected = entry.pos
    .map((position, pick) => ({
      position,
      token: entry.tok[pick],
      confidence: entry.conf[pick],
    }))
    // The reference also picks places that are no candidates when it runs out of them, and writes there what is there already.
    .filter(({ confidence }) => typeof confidence === "number")
    .toSorted((a, b) => a.position - b.position);
  const actual = step.reveals.toSorted((a, b) => a.position - b.position);
  const written = (reveal: { position: number; token: number | undefined }): string =>
    `${reveal.token} at ${reveal.position}`;
  comparison.same(`${name} writes`, actual.map(written), expected.map(written));
  comparison.numbers(
    `${name} confidence`,
    actual.map(({ confidence }) => confidence),
    expected.map(({ confidence }) => confidence ?? Number.NaN),
    tolerances.confidence,
  );
}

/** Compares token and confidence of every candidate of every pass, not only of those that were written. */
function compareCandidates(
  { file, arrays }: ReferenceCase,
  index: number,
  passes: readonly RecordedPass[],
  promptLength: number,
  comparison: Comparison,
): void {
  const confidences = arrays.get(`run${index}_confidence`);
  const tokens = arrays.get(`run${index}_x0`);
  // Random confidences are drawn outside the engine; the trace has those that count.
  if (confidences === undefined || file.runs[index]?.remasking === "random") return;
  const [, width = 0] = confidences.shape;
  for (const [pass, { rows, predictions }] of passes.entries()) {
    const name = `run${index}_confidence, pass ${pass}`;
    const expected = [...confidences.data.subarray(pass * width, (pass + 1) * width)];
    const places = expected.flatMap((value, place) => (Number.isFinite(value) ? [place] : []));
    const found = places.map((place) => rows.indexOf(promptLength + place));
    comparison.numbers(
      name,
      found.map((row) => (row < 0 ? Number.NaN : confidenceOf(predictions, row))),
      places.map((place) => expected[place] ?? Number.NaN),
      tolerances.confidence,
    );
    if (tokens === undefined) continue;
    comparison.numbers(
      `run${index}_x0, pass ${pass}`,
      found.map((row) => predictions.tokens[row] ?? Number.NaN),
      places.map((place) => tokens.data[pass * width + place] ?? Number.NaN),
      tolerances.exact,
    );
  }
}

function label({ block, step }: DecodeStep): string {
  return `block ${block} step ${step}`;
}
