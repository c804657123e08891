import type { Architecture } from "#domain/architecture.ts";
import type { Tensor } from "#domain/tensor.ts";

/** Takes the vision tower's own features of a view, [P, W]. */
export type OnTower = (featuresPW: Tensor) => void;

/**
 * What a backend supplies: the network's numbers, and nothing about pictures, prompts or schedules.
 *
 * Every method may wait for weights that are still arriving and rejects with the loader's error if they never will.
 * Aborting the signal rejects with its reason, at the latest after the stage that is running. Calls may overlap; a
 * backend queues them as it must. Results belong to the caller and are never written to again.
 *
 * Equal inputs give equal outputs, bit for bit, on the same machine and provider: cached and replayed answers rest on it.
 */
export interface Engine {
  readonly architecture: Architecture;

  /**
   * Runs the vision tower and the projector.
   * @param viewsNCHW normalised views [N, 3, imageSize, imageSize], N ≥ 1
   * @param onTower is given what the tower made of the first view, before the projector: [P, W]. Absent: it stays where it is
   * @returns features [N, P, D] in the language tower's width, patches row-major
   */
  encodeImage(viewsNCHW: Tensor, signal: AbortSignal, onTower?: OnTower): Promise<Tensor>;

  /** Reads rows of the embedding table: [ids.length, D]. Ids must be below `vocabSize` (RangeError otherwise). */
  embedTokens(ids: readonly number[], signal: AbortSignal): Promise<Tensor>;

  /** Reads the learned vector [D] that ends each row of image vectors. Only with a vision tower. */
  imageNewline(signal: AbortSignal): Promise<Float32Array>;

  /**
   * Runs all layers over the sequence, or over what is new of it, and the head over the asked rows. The caller writes the
   * next step into the same embeddings, so nothing of the pass may be kept once the promise has settled, but what a prefix keeps.
   */
  denoise(pass: ForwardPass, signal: AbortSignal): Promise<Predictions>;

  /**
   * Opens room for what is kept of a sequence's first positions between the passes of one answer. It is empty until a pass
   * fills it, and the opener's to release, however the answer ends.
   */
  openPrefix(): Prefix;

  /** Positions of one prefix that there is room for, of one sequence without guidance. */
  readonly prefixLimit: number;
}

/**
 * Keys and values that the layers computed of a sequence's first positions, with each branch of guidance its own. They stay
 * where they were computed. A pass that breaks off while it fills a prefix leaves it empty.
 */
export interface Prefix {
  /** Positions that are kept: 0 before a pass has filled it and after `release`. */
  readonly length: number;
  /** Frees what is kept as soon as no pass is using it. Repeating it does nothing. */
  release(): void;
}

/** How a pass uses a prefix. */
export interface PrefixUse {
  /** Opened by the same engine; used for one sequence only. */
  readonly kept: Prefix;
  /** Positions of the sequence that it covers, from 0 on: fewer than S. */
  readonly length: number;
  /**
   * `whole`: every position is computed, and those of the prefix are kept anew. Predictions are those of a pass without a
   * prefix, bit for bit.
   * `none`: only positions from `length` on are computed, at their places, and see the kept ones.
   * `deep`: the first half of the layers as `none`; the second half computes every position and keeps the prefix's anew,
   * from its hidden vectors as the last `whole` left them there. Source: arXiv 2510.14973, which finds that deep layers drift most.
   *
   * For `none` and `deep` the prefix must hold exactly `length` positions, with guidance if the pass has any.
   */
  readonly refresh: "whole" | "deep" | "none";
}

/** One forward pass. */
export interface ForwardPass {
  /** Input vectors of every position [S, D]: prompt, canvas, suffix. Positions count from 0. */
  readonly embeddingsSD: Tensor;
  /** Absent: every position is computed, and nothing is kept. */
  readonly prefix?: PrefixUse;
  /** Positions whose prediction is wanted, ascending, R ≥ 1; all of them among those that are computed from the embeddings. */
  readonly rows: readonly number[];
  /** Columns set to −∞ before anything else is computed from the logits. */
  readonly suppressed: readonly number[];
  /** Rows that may choose among fewer columns still. Absent: none. */
  readonly classes?: RowClasses;
  /** Added to the logits [R, V] for the choice only, not for the confidence. Absent at temperature 0. */
  readonly noiseRV?: Float32Array;
  /** Classifier-free guidance: logits become u + (scale + 1)(c − u), with u from this second sequence. */
  readonly guidance?: { readonly unconditionalSD: Tensor; readonly scale: number };
  /** Single logits that are wanted. Absent: none. */
  readonly asked?: AskedLogits;
  /** How many of each row's likeliest tokens are wanted, 1 … `MAX_BEST`. Absent: none beside the choice. */
  readonly best?: number;
}

/** Kinds of rows that differ in the columns among which they may choose. */
export interface RowClasses {
  /** What each class has left, besides what is suppressed everywhere; at least one column each, `MAX_ROW_CLASSES` at most. */
  readonly columns: readonly ColumnRule[];
  /** The class of each row [R], an index into `columns`. */
  readonly ofRows: readonly number[];
}

/** These columns alone, or all but these. */
export type ColumnRule = { readonly only: readonly number[] } | { readonly not: readonly number[] };

/** Places [K] in the asked rows' logits, K ≤ `MAX_ASKED`, in any order. */
export interface AskedLogits {
  /** Indices into `ForwardPass.rows`. */
  readonly rows: Int32Array;
  readonly tokens: Int32Array;
}

/**
 * Threat: a question that has a pass name, and its caller read, as many logits as there are: what the head is there to spare. Each of 64
 * fields can ask for four tokens of each of its 255 labels; they are half a megabyte in and a quarter out.
 */
export const MAX_ASKED = 65_536;

/** Threat: as many masks as rows, of half a megabyte each at 126,464 columns. Digits, letters, text and what else a language of fields tells apart are few. */
export const MAX_ROW_CLASSES = 16;

/** Threat: lists that grow with the vocabulary. What a text of at most so many likely tokens a place lacks has next to no probability. */
export const MAX_BEST = 64;

/**
 * What leaves the head, one number per row each, and what was asked for by name or rank; never the logits.
 * The probability of the chosen token is exp(chosenLogit − maxLogit) / (1 + tail), exact in double precision even where
 * it is within 1e-9 of one, because `tail` does not contain the largest term.
 */
export interface Predictions {
  /** Column with the largest noised logit; the lowest index among equals. */
  readonly tokens: Int32Array;
  /** Logit of that column without noise. */
  readonly chosenLogits: Float32Array;
  /** Largest logit without noise. */
  readonly maxLogits: Float32Array;
  /** Second largest logit without noise (the largest again if two are equal). */
  readonly runnerUpLogits: Float32Array;
  /** Σ exp(logit − maxLogit) over all columns but the one of `maxLogits`. */
  readonly tails: Float32Array;
  /** Σ exp(logit − maxLogit) · (logit − maxLogit), at most 0: the entropy is ln(1 + tail) − slope / (1 + tail). */
  readonly slopes: Float32Array;
  /** Logits [K] of what was asked, in its order, without noise; −∞ of a suppressed column. Absent: nothing was asked. */
  readonly askedLogits?: Float32Array;
  /** Absent: not asked. */
  readonly best?: BestTokens;
}

/** The likeliest tokens of each row, whatever was chosen. */
export interface BestTokens {
  /** N, as asked, or all columns where there are fewer. */
  readonly count: number;
  /** [R, N], the largest logit first, among equals the lowest column. */
  readonly tokensRN: Int32Array;
  /** Their logits without noise [R, N]; −∞ where fewer columns may be chosen, and then the token is any. */
  readonly logitsRN: Float32Array;
}
