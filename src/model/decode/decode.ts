import { decodingOf } from "#domain/architecture.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import type { Engine, ForwardPass } from "../engine.ts";
import { type Canvas, hasMask, maskedPositions, write } from "./canvas.ts";
import { type Candidate, confidenceOf, mostConfident } from "./confidence.ts";
import type { Ending } from "./ending.ts";
import { gumbelNoise, randomScores, type UniformStream } from "./noise.ts";
import type { DecodePolicy } from "./policy.ts";
import { revealSchedule } from "./schedule.ts";

/** How a canvas is to be filled. */
export interface DecodePlan {
  /** Positions per block; divides the canvas. */
  readonly blockLength: number;
  /** Steps over all blocks, a ceiling; the number of blocks divides it. */
  readonly steps: number;
  readonly ending: Ending;
  /** 0 chooses the likeliest token. */
  readonly temperature: number;
  /** What decides which positions are revealed first: the model's own confidence, or chance. */
  readonly remasking: "low_confidence" | "random";
  /** w of classifier-free guidance; 0 is none. Above 0 each step takes two passes. */
  readonly guidanceScale: number;
  /**
   * Reveals every position that is at least this sure, or the surest alone, in as many steps as that takes: `steps` counts for
   * nothing. Told by the reference's runs only; a service's price needs a ceiling. Source: get_transfer_index in Fast-dLLM's generate.py.
   */
  readonly threshold?: number;
  /** Drawn from at a temperature above 0 and for random remasking only. */
  readonly uniform: UniformStream;
}

/** What one step did. */
export interface DecodeStep {
  /** From 0. */
  readonly block: number;
  /** Within the block, from 0. */
  readonly step: number;
  /** Over the whole answer, from 1. */
  readonly number: number;
  /** Reveals planned for each step of this block. */
  readonly schedule: readonly number[];
  /** What was written, surest first: at most `schedule[step]`. */
  readonly reveals: readonly Reveal[];
  /** What the pass would write at the positions that it left masked: the best guess if nothing more comes. */
  readonly guesses: readonly Reveal[];
  /** Passes through the network that this step took. */
  readonly forwardPasses: 1 | 2;
  /** Canvas position before which the answer ends, as far as known. */
  readonly stopAt?: number;
  /** Canvas positions below this are final. */
  readonly stableUntil: number;
}

/** One written token. */
export interface Reveal {
  /** Position in the canvas; negative inside the prompt, which only the reference's policy writes to. */
  readonly position: number;
  readonly token: number;
  /** Probability of the token, or the random number that chose it. */
  readonly confidence: number;
}

/**
 * Fills a canvas: block by block, each step asks the network for all masked positions and writes the surest few.
 * Ends when the plan's steps are spent, the canvas is full, or everything before a stop is written. The canvas may be
 * read, and the generator left, after any step. Aborting rejects with the signal's reason and leaves the last step's canvas.
 *
 * Throws RangeError if blocks or steps do not divide evenly. Source: `generate_with_embeds` in modeling_llada.py.
 */
export async function* decode(
  engine: Engine,
  canvas: Canvas,
  plan: DecodePlan,
  policy: DecodePolicy,
  signal: AbortSignal,
): AsyncGenerator<DecodeStep, void, undefined> {
  const blocks = canvas.length / plan.blockLength;
  const stepsPerBlock = plan.steps / blocks;
  if (!Number.isInteger(blocks) || !Number.isInteger(stepsPerBlock)) {
    throw new RangeError(
      `canvas ${canvas.length}, block ${plan.blockLength} and steps ${plan.steps} do not divide evenly`,
    );
  }
  let number = 0;
  for (let block = 0; block < blocks; block++) {
    const start = canvas.promptLength + block * plan.blockLength;
    const end = start + plan.blockLength;
    if (canvas.stopAt !== undefined && canvas.promptLength + canvas.stopAt <= start) return;
    const masks = maskedPositions(canvas, start, end).length;
    // With a threshold each step reveals one or more.
    const schedule =
      plan.threshold === undefined
        ? revealSchedule(masks, stepsPerBlock)
        : new Array<number>(masks).fill(masks);
    for (const [step, count] of schedule.entries()) {
      if (!hasMask(canvas, start, end) || isWrittenUpToStop(canvas)) break;
      signal.throwIfAborted();
      const candidates = await predict(engine, canvas, end, plan, policy, signal);
      const chosen = sureEnough(mostConfident(candidates, count), plan.threshold);
      await writeAll(engine, canvas, chosen, policy, signal);
      const { stopAt, stableUntil } = plan.ending(canvas);
      canvas.stopAt = stopAt;
      number += 1;
      yield {
        block,
        step,
        number,
        schedule,
        reveals: chosen.map((candidate) => inCanvas(canvas, candidate)),
        guesses: candidates
          .filter((candidate) => !chosen.includes(candidate))
          .map((candidate) => inCanvas(canvas, candidate)),
        forwardPasses: plan.guidanceScale > 0 ? 2 : 1,
        ...(stopAt === undefined ? {} : { stopAt }),
        stableUntil,
      };
    }
  }
}

function sureEnough(
  surestFirst: readonly Candidate[],
  threshold: number | undefined,
): readonly Candidate[] {
  if (threshold === undefined) return surestFirst;
  return surestFirst.filter(({ confidence }, index) => index === 0 || confidence >= threshold);
}

function inCanvas({ promptLength }: Canvas, { position, ...reveal }: Candidate): Reveal {
  return { position: position - promptLength, ...reveal };
}

function isWrittenUpToStop(canvas: Canvas): boolean {
  const { promptLength, stopAt } = canvas;
  return stopAt !== undefined && !hasMask(canvas, promptLength, promptLength + stopAt);
}

/**
 * Asks for every masked position before the end of the block, or before the stop once there is one. There is no lower
 * bound: a hole left in an earlier block competes again. Positions outside could not be chosen, so they are not computed.
 */
async function predict(
  engine: Engine,
  canvas: Canvas,
  blockEnd: number,
  plan: DecodePlan,
  policy: DecodePolicy,
  signal: AbortSignal,
): Promise<Candidate[]> {
  const windowEnd = canvas.stopAt === undefined ? blockEnd : canvas.promptLength + canvas.stopAt;
  const rows = maskedPositions(canvas, 0, windowEnd);
  const drawn = policy.drawsForEveryPosition ? canvas.masked.length : undefined;
  const { special, logitsColumns } = engine.architecture;
  const { suppressed } = decodingOf(engine.architecture);
  const pass: ForwardPass = {
    embeddingsSD: canvas.embeddingsSD,
    rows,
    suppressed: policy.maskCanBeChosen ? suppressed : [...suppressed, special.mask],
    ...(plan.temperature > 0
      ? { noiseRV: gumbelNoise(rows, logitsColumns, plan.temperature, plan.uniform, drawn) }
      : {}),
    ...(plan.guidanceScale > 0
      ? { guidance: { unconditionalSD: withoutPrompt(canvas), scale: plan.guidanceScale } }
      : {}),
  };
  const predictions = await engine.denoise(pass, signal);
  const scores =
    plan.remasking === "random"
      ? randomScores(rows, plan.uniform, drawn)
      : rows.map((_, row) => confidenceOf(predictions, row));
  return rows.map((position, row) => ({
    position,
    token: predictions.tokens[row]!,
    confidence: scores[row]!,
  }));
}

/** The sequence with every prompt vector, pictures included, replaced by the mask's: guidance's unconditional side. */
function withoutPrompt({ embeddingsSD, promptLength, maskRow }: Canvas): Tensor {
  const unconditional = embeddingsSD.data.slice();
  for (let position = 0; position < promptLength; position++) {
    unconditional.set(maskRow, position * maskRow.length);
  }
  return tensor(embeddingsSD.shape, unconditional); // [S, D]
}

async function writeAll(
  engine: Engine,
  canvas: Canvas,
  chosen: readonly Candidate[],
  policy: DecodePolicy,
  signal: AbortSignal,
): Promise<void> {
  if (chosen.length === 0) return;
  const { data: rows } = await engine.embedTokens(
    chosen.map(({ token }) => token),
    signal,
  );
  const width = canvas.maskRow.length;
  chosen.forEach(({ position, token }, index) => {
    write(canvas, position, token, rows.subarray(index * width, (index + 1) * width), policy);
  });
}
