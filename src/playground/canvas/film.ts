import type { Answer } from "#client/answer-stream.ts";
import type { FrameBody, StartedBody } from "#wire/function/event-messages.ts";

/** Another token that a position could have had. */
export interface Alternative {
  /** Empty for a token without text: the end of the answer. */
  readonly text: string;
  /** 0 … 1, of the same distribution as the chosen one's. */
  readonly confidence: number;
}

/** A position of the canvas that has been written. */
export interface Cell {
  /** Null: decided, and its token not told yet, since the answer may still turn out to be empty. */
  readonly text: string | null;
  /** Id in the model's vocabulary; null where the API does not tell it: of answers from the cache, of guesses, and where `text` is null. */
  readonly token: number | null;
  /** 0 … 1. */
  readonly confidence: number;
  /** Step that committed it, from 1; of a guess, the last one that ran. */
  readonly step: number;
  /** What else it could have been, as the pass that decided it saw it, likeliest first; empty where nobody told. */
  readonly alternatives: readonly Alternative[];
  /** Told at a deadline, before any step committed it. */
  readonly isGuess: boolean;
}

/** An answer as it came about, to be looked at as of any of its steps. */
export interface Film {
  /** Positions of the canvas. */
  readonly size: number;
  /** Steps that were planned. */
  readonly planned: number;
  /** Steps that have run. */
  readonly step: number;
  /** By position; undefined is a mask. */
  readonly cells: readonly (Cell | undefined)[];
  /** The text of the positions below this is final. */
  readonly stableUntil: number;
  /** Position of the end of the turn, null before there is one: nothing from there on is part of the answer. */
  readonly turnEnd: number | null;
  /** When it was known where the turn ends, and where that was: an end may still move forward. */
  readonly ends: readonly { readonly step: number; readonly position: number }[];
  readonly isOver: boolean;
}

/** A canvas of masks. */
export function openFilm({ canvas, steps }: Pick<StartedBody, "canvas" | "steps">): Film {
  return {
    size: canvas,
    planned: steps,
    step: 0,
    cells: new Array<undefined>(canvas).fill(undefined),
    stableUntil: 0,
    turnEnd: null,
    ends: [],
    isOver: false,
  };
}

/** A cell of which nothing is told but where it stands. */
const unknown = { text: null, token: null, alternatives: [], isGuess: false } as const;

/** What a step committed, laid over what was there. */
export function expose(film: Film, frame: FrameBody): Film {
  const cells = [...film.cells];
  for (const { position, confidence } of frame.sealed ?? [])
    cells[position] = { ...unknown, confidence, step: frame.step };
  for (const { position, token, text, confidence, step, alternatives = [] } of frame.revealed)
    cells[position] = { text, token, confidence, step, alternatives, isGuess: false };
  for (const { position, text } of frame.revised) {
    const cell = cells[position];
    if (cell !== undefined) cells[position] = { ...cell, text };
  }
  const { step, stable_until: stableUntil, turn_end: turnEnd } = frame;
  const isKnown = turnEnd === null || turnEnd === film.turnEnd;
  const ends = isKnown ? film.ends : [...film.ends, { step, position: turnEnd }];
  return { ...film, cells, step, stableUntil, turnEnd, ends };
}

/**
 * The film of an answer that has ended. What no frame told comes from the answer itself: all of an answer from the cache, the
 * guesses of one that was told at its deadline. Its tokens stand in the first positions, one behind the other.
 */
export function closeFilm(film: Film | null, answer: Answer): Film {
  const { usage, tokens, status } = answer;
  const size = Math.max(usage.canvas, tokens.length);
  const base = film ?? openFilm({ canvas: size, steps: usage.steps });
  const cells = [...base.cells];
  for (const [position, { text, confidence, step }] of tokens.entries()) {
    const cell = cells[position];
    if (cell === undefined)
      cells[position] = {
        ...{ ...unknown, text, confidence },
        step: step > 0 ? step : usage.steps,
        isGuess: film !== null && status === "partial",
      };
    else if (cell.text === null) cells[position] = { ...cell, text };
  }
  const turnEnd = tokens.length < base.size ? tokens.length : null;
  return {
    ...base,
    cells,
    turnEnd,
    isOver: true,
    step: Math.max(base.step, usage.steps),
    stableUntil: tokens.length,
  };
}

/** A film as it was after one of its steps. */
export function asOf(film: Film, step: number): Film {
  const cells = film.cells.map((_, position) => cellAt(film, position, step));
  const firstMask = cells.indexOf(undefined);
  return {
    ...film,
    cells,
    step,
    turnEnd: film.ends.findLast((end) => end.step <= step)?.position ?? null,
    isOver: false,
    stableUntil: firstMask < 0 ? cells.length : firstMask,
  };
}

/** What stands at a position as of a step; undefined is a mask. */
export function cellAt(film: Film, position: number, step: number): Cell | undefined {
  const cell = film.cells[position];
  return cell !== undefined && cell.step <= step ? cell : undefined;
}

/** Whether the words of what was decided are told, or there is nothing decided yet. */
export function hasWords(film: Film | null): boolean {
  return film !== null && film.cells.some((cell) => cell !== undefined && cell.text !== null);
}

/** Whether a position is behind the end of the answer, as far as that is known by now. */
export function isBehindEnd(film: Film, position: number): boolean {
  return film.turnEnd !== null && position >= film.turnEnd;
}

/** The text that cannot change any more: what is read aloud. */
export function stableText(film: Film): string {
  const end = Math.min(film.stableUntil, film.turnEnd ?? film.size);
  return film.cells
    .slice(0, end)
    .map((cell) => cell?.text ?? "")
    .join("");
}

/** Mean confidence of what each step committed, from the first step on; 0 for a step that committed nothing. */
export function confidenceBySteps(film: Film): readonly number[] {
  return Array.from({ length: film.step }, (_, index) => {
    const written = film.cells.filter((cell) => cell?.step === index + 1);
    const sum = written.reduce((total, cell) => total + (cell?.confidence ?? 0), 0);
    return written.length === 0 ? 0 : sum / written.length;
  });
}

/** Cells that a step wrote and whose words are told, in the order of their positions. */
export function writtenIn(film: Film, step: number): readonly (Cell & { readonly text: string })[] {
  return film.cells.flatMap((cell) =>
    cell !== undefined && cell.step === step && cell.text !== null
      ? [{ ...cell, text: cell.text }]
      : [],
  );
}

/** Odds that fill a bar: 999 to 1. */
const FULL_ODDS = 999;

/** A confidence as a length, 0 … 1, on a scale of odds: most are above 0.9, and 0.9 and 0.999 are far apart. */
export function sureness(confidence: number): number {
  const odds = confidence / Math.max(1 - confidence, 1e-9);
  return Math.min(1, Math.max(0.04, Math.log(odds) / Math.log(FULL_ODDS)));
}
