import { decodingOf } from "#domain/architecture.ts";
import type { CommitReason } from "#domain/event.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import type { Engine, ForwardPass, PrefixUse } from "../engine.ts";
import { type Canvas, hasMask, maskedPositions, write } from "./canvas.ts";
import { type Choice, type CommitRule, chooseCommit } from "./commit.ts";
import {
  type Candidate,
  confidenceOf,
  entropyOf,
  gapOf,
  type OtherToken,
  othersOf,
} from "./confidence.ts";
import type { Ending } from "./ending.ts";
import { gumbelNoise, randomScores, type UniformStream } from "./noise.ts";
import type { DecodePolicy } from "./policy.ts";
import { PrefixKeeper } from "./prefix-keeper.ts";
import type { RefreshRule } from "./refresh.ts";
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
  /** When the prefix is computed anew. */
  readonly refresh: RefreshRule;
  /** Every second refresh computes the second half of the layers only: an experiment. Absent is never. */
  readonly halvesRefreshes?: boolean;
  readonly commit: CommitRule;
  /** Drawn from at a temperature above 0 and for random remasking only. */
  readonly uniform: UniformStream;
  /** How many other tokens are told of each place that is written; what is written is the same. Absent: none. */
  readonly alternatives?: number;
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
  /** What was written, surest first. */
  readonly reveals: readonly Reveal[];
  /** What the pass would write at the positions that it left masked: the best guess if nothing more comes. */
  readonly guesses: readonly Reveal[];
  /** Why so much was written. */
  readonly reason: CommitReason;
  /** Passes through the network that this step took. */
  readonly forwardPasses: 1 | 2;
  /** What became of the prefix; `whole` also where none is kept. */
  readonly refresh: PrefixUse["refresh"];
  /** Positions that each of its passes computed; half those of the prefix where half of the layers did. */
  readonly rows: number;
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
  /** The likeliest others, likeliest first. Absent: the plan tells none. */
  readonly alternatives?: readonly OtherToken[];
}

/**
 * Fills a canvas: block by block, each step asks the network for all masked positions and writes the surest few.
 * Ends when the plan's steps are spent, the canvas is full, or everything before a stop is written. The canvas may be
 * read, and the generator left, after any step. Aborting rejects with the signal's reason and leaves the last step's canvas.
 *
 * Throws RangeError if blocks or steps do not divide evenly. Source: `generate_with_embeds` in modeling_llada.py;
 * `_fast_generate_with_embeds` in fast_dllm_hook.py where a prefix is kept.
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
  const keeper = new PrefixKeeper(engine, plan);
  try {
    let number = 0;
    for (let block = 0; block < blocks; block++) {
      const start = canvas.promptLength + block * plan.blockLength;
      const end = start + plan.blockLength;
      if (canvas.stopAt !== undefined && canvas.promptLength + canvas.stopAt <= start) return;
      if (policy.keepsFinishedBlocks || block === 0)
        keeper.begin(policy.keepsFinishedBlocks ? start : canvas.promptLength);
      const masks = maskedPositions(canvas, start, end).length;
      const schedule = hasCeiling(plan.commit)
        ? revealSchedule(masks, stepsPerBlock)
        : new Array<number>(masks).fill(masks);
      for (const [step, planned] of schedule.entries()) {
        if (!hasMask(canvas, start, end) || isWrittenUpToStop(canvas)) break;
        signal.throwIfAborted();
        const use = keeper.next();
        const looked = await predict(engine, canvas, { end, use }, plan, policy, signal);
        const progress = number / plan.steps;
        const { chosen, reason } = chooseCommit(plan.commit, { ...looked, planned, progress });
        const left = looked.candidates.filter((candidate) => !chosen.includes(candidate));
        await writeAll(engine, canvas, chosen, policy, signal);
        keeper.wrote(chosen.length);
        const { stopAt, stableUntil } = plan.ending(canvas);
        canvas.stopAt = stopAt;
        number += 1;
        yield {
          block,
          step,
          number,
          schedule,
          reveals: inCanvas(canvas, chosen),
          guesses: inCanvas(canvas, left),
          reason,
          forwardPasses: plan.guidanceScale > 0 ? 2 : 1,
          refresh: use?.refresh ?? "whole",
          rows: rowsOf(canvas, use),
          ...(stopAt === undefined ? {} : { stopAt }),
          stableUntil,
        };
      }
    }
  } finally {
    keeper.release();
  }
}

/** Whether a rule fills a block in the steps that it has; the others each write one or more, until it is full. */
function hasCeiling({ kind }: CommitRule): boolean {
  return kind === "schedule" || kind === "entropy";
}

/** Positions that a pass computes. */
function rowsOf(canvas: Canvas, use: PrefixUse | undefined): number {
  const size = canvas.masked.length;
  switch (use?.refresh) {
    case undefined:
    case "whole":
      return size;
    case "none":
      return size - use.length;
    case "deep":
      return size - Math.floor(use.length / 2);
  }
}

function inCanvas({ promptLength }: Canvas, candidates: readonly Candidate[]): Reveal[] {
  return candidates.map(({ position, token, confidence, others }) => ({
    position: position - promptLength,
    token,
    confidence,
    ...(others === undefined ? {} : { alternatives: others }),
  }));
}

function isWrittenUpToStop(canvas: Canvas): boolean {
  const { promptLength, stopAt } = canvas;
  return stopAt !== undefined && !hasMask(canvas, promptLength, promptLength + stopAt);
}

/**
 * Asks for every masked position before the end of the block, or before the stop once there is one. There is no lower
 * bound but that of what is computed: a hole left in an earlier block competes again. Positions outside could not be chosen, so they
 * are not asked about.
 */
async function predict(
  engine: Engine,
  canvas: Canvas,
  { end, use }: { readonly end: number; readonly use: PrefixUse | undefined },
  plan: DecodePlan,
  policy: DecodePolicy,
  signal: AbortSignal,
): Promise<Pick<Choice, "candidates" | "maskedInWindow">> {
  const size = canvas.masked.length;
  const first = use === undefined || use.refresh === "whole" ? 0 : use.length;
  const before = canvas.stopAt === undefined ? end : canvas.promptLength + canvas.stopAt;
  const rows = maskedPositions(canvas, first, before);
  const maskedInWindow = maskedPositions(canvas, first, size).length;
  if (rows.length === 0) return { candidates: [], maskedInWindow };
  const inWindow = rows.map((row) => row - first);
  const drawn = policy.drawsForEveryPosition ? size - first : undefined;
  const { special, logitsColumns } = engine.architecture;
  const { suppressed } = decodingOf(engine.architecture);
  const { alternatives = 0 } = plan;
  const pass: ForwardPass = {
    embeddingsSD: canvas.embeddingsSD,
    rows,
    ...(use === undefined ? {} : { prefix: use }),
    suppressed: policy.maskCanBeChosen ? suppressed : [...suppressed, special.mask],
    ...(plan.temperature > 0
      ? { noiseRV: gumbelNoise(inWindow, logitsColumns, plan.temperature, plan.uniform, drawn) }
      : {}),
    ...(plan.guidanceScale > 0
      ? { guidance: { unconditionalSD: withoutPrompt(canvas), scale: plan.guidanceScale } }
      : {}),
    ...(alternatives > 0 ? { best: alternatives + 1 } : {}),
  };
  const predictions = await engine.denoise(pass, signal);
  const sure = rows.map((_, row) => confidenceOf(predictions, row));
  const scores = plan.remasking === "random" ? randomScores(inWindow, plan.uniform, drawn) : sure;
  const candidates = rows.map((position, row) => ({
    position,
    token: predictions.tokens[row]!,
    confidence: scores[row]!,
    entropy: entropyOf(predictions, row),
    gap: gapOf(predictions, row),
    ...(alternatives > 0 ? { others: othersOf(predictions, row, alternatives) } : {}),
  }));
  return { candidates, maskedInWindow };
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
