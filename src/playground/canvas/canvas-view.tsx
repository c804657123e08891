import { useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import { elseText, percent } from "./cell-words.ts";
import { type Cell, cellAt, type Film, isBehindEnd, sureness } from "./film.ts";

export interface CanvasViewProps {
  readonly film: Film;
  /** The step that is shown. */
  readonly step: number;
  readonly heat: "order" | "confidence";
}

/** The canvas as a grid of its positions; one of them, chosen by pointer or arrow keys, is told in full below. */
export function CanvasView({ film, step, heat }: CanvasViewProps): JSX.Element {
  const [chosen, choose] = useState(0);
  const [isLooking, look] = useState(false);
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = movedBy(event.key, chosen, film.size, event.currentTarget as HTMLElement);
    if (next === null) return;
    event.preventDefault();
    choose(next);
    (event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".cell")[next]?.focus();
  };
  return (
    <div class="canvas-box">
      <fieldset
        class={`canvas by-${heat}${film.isOver ? " over" : ""}`}
        aria-label={`Canvas of ${film.size} positions as of step ${step}; arrow keys move`}
        onKeyDown={onKeyDown}
      >
        {film.cells.map((_, position) => (
          <CellView
            {...{ film, step, position, heat }}
            isChosen={position === chosen}
            onLook={() => {
              choose(position);
              look(true);
            }}
          />
        ))}
      </fieldset>
      <p class="told">{isLooking ? told(film, chosen, step) : hint(film)}</p>
    </div>
  );
}

interface CellProps extends CanvasViewProps {
  readonly position: number;
  readonly isChosen: boolean;
  readonly onLook: () => void;
}

function CellView({ film, step, position, heat, isChosen, onLook }: CellProps): JSX.Element {
  const cell = cellAt(film, position, step);
  const kind = kindOf(film, position, cell);
  const last = Math.max(1, film.step - 1);
  const order = cell === undefined ? 0 : 1 - (cell.step - 1) / last;
  return (
    <button
      type="button"
      class={`cell ${kind}`}
      tabIndex={isChosen ? 0 : -1}
      style={{
        "--order": order.toFixed(3),
        "--sure": (cell === undefined ? 0 : sureness(cell.confidence)).toFixed(3),
      }}
      onFocus={onLook}
      onMouseEnter={onLook}
      onClick={onLook}
    >
      <span class="unseen">{told(film, position, step)}</span>
      <span class={lengthClass(cell)} aria-hidden="true">
        {cell === undefined ? "" : cell.text === null ? "•••" : visible(cell.text)}
      </span>
      <span class="number" aria-hidden="true">
        {cell === undefined ? "" : heat === "order" ? cell.step : percent(cell.confidence)}
      </span>
    </button>
  );
}

type CellKind = "mask" | "sealed" | "text" | "guess" | "behind";

function kindOf(film: Film, position: number, cell: Cell | undefined): CellKind {
  if (isBehindEnd(film, position) && (cell !== undefined || film.isOver)) return "behind";
  if (cell === undefined) return "mask";
  if (cell.text === null) return "sealed";
  return cell.isGuess ? "guess" : "text";
}

/** Long tokens are set smaller, so that they are read whole. */
function lengthClass(cell: Cell | undefined): string {
  const length = cell?.text?.trim().length ?? 0;
  return length > 11 ? "token longest" : length > 8 ? "token long" : "token";
}

/** A token as it is seen in a cell: what would be invisible has a sign. */
function visible(text: string): string {
  if (text === "") return "∅";
  return text.trim() === "" ? text.replace(/\n/g, "↵").replace(/ /g, "␣") : text.trim();
}

/** Everything that is known of a position, as a sentence. */
function told(film: Film, position: number, step: number): string {
  const cell = cellAt(film, position, step);
  const place = `Position ${position + 1} of ${film.size}`;
  if (cell === undefined)
    return film.isOver && isBehindEnd(film, position)
      ? `${place}: behind the end of the answer, never written`
      : `${place}: still a mask at step ${step}`;
  const token = cell.token === null ? "" : `, token ${cell.token}`;
  if (cell.text === null)
    return `${place}: decided in step ${cell.step}, ${percent(cell.confidence)} sure; its word is told once the answer has a first one`;
  if (cell.text === "")
    return `${place}: end of the answer${token}, written in step ${cell.step}, ${percent(cell.confidence)} sure${elseText(cell)}`;
  const how = cell.isGuess
    ? `the last pass's best guess, not written yet`
    : `written in step ${cell.step} of ${film.step}`;
  return `${place}: “${cell.text}”${token}, ${how}, ${percent(cell.confidence)} sure${elseText(cell)}`;
}

function hint(film: Film): string {
  return film.isOver
    ? "Point at a cell, or walk with the arrow keys: token, step, confidence, and what else it could have been."
    : "Every cell is a position of the answer. They are written in any order.";
}

/** Where an arrow key leads from a position; null for other keys. */
function movedBy(key: string, position: number, size: number, grid: HTMLElement): number | null {
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const moves: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    Home: -position,
    End: size - 1 - position,
  };
  const move = Object.hasOwn(moves, key) ? moves[key] : undefined;
  if (move === undefined) return null;
  const next = position + move;
  return next >= 0 && next < size ? next : position;
}
