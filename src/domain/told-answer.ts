import {
  type AnswerBeginning,
  type AnswerFrame,
  type AnswerRestarted,
  type AnswerStarted,
  restartsOf,
} from "./event.ts";
import { jsonValueOf } from "./field-reading.ts";
import type { NumericsText } from "./numerics.ts";

/** How far an answer was told, and with which weights it was made. */
export interface ToldSoFar {
  /** Null before a function took it. */
  readonly modelDigest: string | null;
  readonly started: AnswerBeginning | null;
  readonly frames: readonly AnswerFrame[];
}

/** What is to be told of an event, in this order. */
export type ToldEvent = AnswerBeginning | AnswerFrame;

/** What becomes of an event besides what is told. */
export type Verdict =
  | { readonly kind: "tell"; readonly events: readonly ToldEvent[] }
  /** A step came otherwise than it was told, by the same arithmetic. */
  | { readonly kind: "contradiction" };

const nothing: Verdict = { kind: "tell", events: [] };

/**
 * What callers were told of an answer over all attempts to make it. Answers are deterministic within a class of arithmetic, so
 * another attempt of that class tells the same and goes on where the last one broke off. One of another class may choose
 * otherwise; half of one answer and half of another is none. So its making is held back until it is as far as what was told:
 * then the answer begins anew with it, and until then callers, and a deadline, have what they had.
 */
export class ToldAnswer {
  modelDigest: string | null;
  started: AnswerBeginning | null;
  #frames: AnswerFrame[];
  #attempt: Attempt | undefined;

  constructor({ modelDigest, started, frames }: ToldSoFar) {
    this.modelDigest = modelDigest;
    this.started = started;
    this.#frames = [...frames];
  }

  get frames(): readonly AnswerFrame[] {
    return this.#frames;
  }

  /** Class of the arithmetic of what was told; null where nothing was, or its function says none. */
  get numerics(): NumericsText | null {
    return this.started?.numerics ?? null;
  }

  /** Last step that was told, 0 before the first. */
  get step(): number {
    return this.#frames.at(-1)?.step ?? 0;
  }

  /** Whether the attempt under way is of another making than what was told, and not as far. */
  get isHeldBack(): boolean {
    return this.#attempt?.isApart === true;
  }

  /** Another attempt begins, with these weights; `before` it there were so many that a function took. */
  taken(modelDigest: string, before: number): void {
    this.#attempt = { modelDigest, before, started: null, frames: [], isApart: false };
    if (this.started === null) this.modelDigest = modelDigest;
  }

  /** Takes the beginning of the attempt in. */
  begin(event: AnswerBeginning): readonly ToldEvent[] {
    const attempt = this.#attempt;
    if (attempt === undefined) throw new Error("an attempt begins that nobody has taken");
    attempt.started = event;
    attempt.frames = [];
    attempt.modelDigest =
      event.kind === "answer.restarted" ? event.modelDigest : attempt.modelDigest;
    attempt.isApart = this.started !== null && !this.#isOfSameClass(attempt);
    if (this.started === null) {
      this.started = asStart(event, attempt.before);
      this.modelDigest = attempt.modelDigest;
      return [this.started];
    }
    return attempt.isApart && this.step === 0 ? this.#adopt(attempt, event) : [];
  }

  /** Takes a frame of the attempt in. */
  frame(event: AnswerFrame): Verdict {
    const attempt = this.#attempt;
    if (attempt?.started == null) throw new Error("a frame comes before the beginning");
    attempt.frames.push(event);
    if (!attempt.isApart) {
      const known = this.#frames.find(({ step }) => step === event.step);
      if (known === undefined) return this.#goOn(event);
      if (choicesOf(known) === choicesOf(event)) return nothing;
      if (this.numerics !== null) return { kind: "contradiction" };
      // Functions of before do not say their arithmetic; that it is another shows here.
      attempt.isApart = true;
    }
    if (event.step < this.step) return nothing;
    return { kind: "tell", events: this.#adopt(attempt, attempt.started) };
  }

  /** The whole answer has come: what was held back of it is told before it. */
  complete(): readonly ToldEvent[] {
    const attempt = this.#attempt;
    if (attempt?.started == null || !attempt.isApart) return [];
    return this.#adopt(attempt, attempt.started);
  }

  #goOn(event: AnswerFrame): Verdict {
    if (event.step <= this.step) return nothing;
    this.#frames.push(event);
    return { kind: "tell", events: [event] };
  }

  #adopt(attempt: Attempt, { kind: _, ...begun }: AnswerBeginning): readonly ToldEvent[] {
    const restarted: AnswerRestarted = {
      ...begun,
      kind: "answer.restarted",
      restarts: Math.max(attempt.before, restartsOf(this.started) + 1),
      previousNumerics: this.numerics,
      modelDigest: attempt.modelDigest,
    };
    this.started = restarted;
    this.modelDigest = attempt.modelDigest;
    this.#frames = [...attempt.frames];
    attempt.isApart = false;
    return [restarted, ...attempt.frames];
  }

  #isOfSameClass({ modelDigest, started }: Attempt): boolean {
    return modelDigest === this.modelDigest && (started?.numerics ?? null) === this.numerics;
  }
}

/** One attempt of a function, from its first step on. */
interface Attempt {
  modelDigest: string;
  readonly before: number;
  started: AnswerBeginning | null;
  frames: AnswerFrame[];
  /** Whether it is another making than what was told. */
  isApart: boolean;
}

/** To who has heard nothing of an answer that began anew, its last beginning is the first. */
function asStart(event: AnswerBeginning, restarts: number): AnswerStarted {
  const { numerics, imageVectors, cachedImageVectors, promptLength, canvas, steps, trust } = event;
  return {
    kind: "answer.started",
    ...(numerics === undefined ? {} : { numerics }),
    ...(restarts === 0 ? {} : { restarts }),
    imageVectors,
    ...(cachedImageVectors === undefined ? {} : { cachedImageVectors }),
    promptLength,
    canvas,
    steps,
    ...(trust === undefined ? {} : { trust }),
  };
}

/** What a step chose: tokens and values. How sure it was may differ in its last bits where every choice was the same. */
function choicesOf({ revealed, fields = [] }: AnswerFrame): string {
  return JSON.stringify([
    revealed.map(({ position, token }) => [position, token]),
    fields.map(({ name, reading }) => [name, jsonValueOf(reading)]),
  ]);
}
