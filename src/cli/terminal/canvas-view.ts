import type { AnswerUpdate } from "#client/answer-stream.ts";
import { bar } from "./bar.ts";

/** The canvas as it stands after some step. */
export interface CanvasView {
  readonly canvas: number;
  readonly steps: number;
  readonly step: number;
  /** How often the answer has begun anew. */
  readonly restarts: number;
  /** By position; undefined is still masked. */
  readonly cells: readonly (Cell | undefined)[];
}

interface Cell {
  /** Null: decided, and not told yet. */
  readonly text: string | null;
  /** 0 … 1. */
  readonly confidence: number;
  /** Step that committed it. */
  readonly step: number;
}

/** How to draw: `columns` wide, and whether the terminal understands colours. */
export interface DrawOptions {
  readonly columns: number;
  readonly hasColour: boolean;
}

/** Returns the view after an update. */
export function viewAfter(view: CanvasView, update: AnswerUpdate): CanvasView {
  if (update.event === "answer.started" || update.event === "answer.restarted") {
    const { canvas, steps } = update;
    const restarts = update.event === "answer.restarted" ? update.restarts : 0;
    const cells = Array.from({ length: canvas }, () => undefined);
    return { canvas, steps, step: 0, restarts, cells };
  }
  if (update.event !== "answer.frame") return view;
  const cells = [...view.cells];
  for (const { position, confidence } of update.sealed ?? [])
    cells[position] = { text: null, confidence, step: update.step };
  for (const { position, text, confidence } of update.revealed)
    cells[position] = { text, confidence, step: update.step };
  for (const { position, text } of update.revised) {
    const cell = cells[position];
    if (cell !== undefined) cells[position] = { ...cell, text };
  }
  return { ...view, step: update.step, cells };
}

export const EMPTY_VIEW: CanvasView = { canvas: 0, steps: 0, step: 0, restarts: 0, cells: [] };

/** Draws the canvas as lines: ░ for what is masked, ▒ for what is decided and not told yet, brighter text for what the model was surer of, and the steps below. */
export function drawCanvas(view: CanvasView, { columns, hasColour }: DrawOptions): string[] {
  const lines: string[] = [];
  let line = "";
  let width = 0;
  for (const cell of view.cells) {
    const shade = (text: string): string => (hasColour ? shaded(text, cell, view.step) : text);
    let run = "";
    for (const { text, cells } of glyphs(cell)) {
      if (width + cells > columns) {
        lines.push(line + shade(run));
        [line, run, width] = ["", "", 0];
      }
      run += text;
      width += cells;
    }
    line += shade(run);
  }
  // Cut, not wrapped: whoever redraws counts lines.
  return [...lines, line, progress(view).slice(0, columns)];
}

/** Tells the canvas in one plain line, for a log. */
export function tellCanvas(view: CanvasView): string {
  const text = view.cells.flatMap((cell) => glyphs(cell).map((glyph) => glyph.text)).join("");
  return `${progress(view)}  ${text}`;
}

function progress({ canvas, steps, step, restarts, cells }: CanvasView): string {
  const revealed = cells.filter((cell) => cell !== undefined);
  const mean = revealed.reduce((sum, { confidence }) => sum + confidence, 0) / revealed.length;
  const sure = revealed.length === 0 ? "" : `, ${Math.round(mean * 100)} % sure`;
  // On another kind of machine, where a token may fall the other way.
  const anew = restarts === 0 ? "" : ", begun anew";
  return `${bar(step / Math.max(1, steps), 20)} step ${step}/${steps}, ${revealed.length}/${canvas} tokens${sure}${anew}`;
}

interface Glyph {
  readonly text: string;
  /** Cells of the terminal that it takes. */
  readonly cells: number;
}

/** An answer may hold anything, also what a terminal would obey: control characters are drawn, never sent. */
function glyphs(cell: Cell | undefined): Glyph[] {
  if (cell === undefined) return [{ text: "░", cells: 1 }];
  if (cell.text === null) return [{ text: "▒", cells: 1 }];
  if (cell.text === "") return [{ text: "·", cells: 1 }];
  return Array.from(cell.text, (character) => {
    if (character === "\n") return { text: "↵", cells: 1 };
    if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(character)) return { text: "�", cells: 1 };
    return { text: character, cells: isWide(character) ? 2 : 1 };
  });
}

/** Source: Unicode UAX 11, the ranges that matter; combining marks are counted as one, which only wraps a line early. */
function isWide(character: string): boolean {
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u.test(
    character,
  );
}

/** Greys of the 256-colour palette run from 232 (black) to 255; below 240 nobody can read. Fresh tokens are bold. */
function shaded(text: string, cell: Cell | undefined, step: number): string {
  if (text === "") return "";
  if (cell === undefined) return `\x1b[38;5;238m${text}\x1b[0m`;
  const grey = 240 + Math.round(cell.confidence * 15);
  return `\x1b[${cell.step === step ? "1;" : ""}38;5;${grey}m${text}\x1b[0m`;
}
