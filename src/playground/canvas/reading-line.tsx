import type { JSX } from "hono/jsx/jsx-runtime";
import { cellAt, type Film, isBehindEnd, stableText } from "./film.ts";

/** The answer as it reads at a step: what is written in its place, and a bar for each mask, fuller where it is decided and not told yet. */
export function ReadingLine({
  film,
  step,
}: {
  readonly film: Film;
  readonly step: number;
}): JSX.Element {
  const shown = film.cells.map((_, position) => cellAt(film, position, step));
  const end = film.isOver ? (film.turnEnd ?? film.size) : film.size;
  return (
    <p class={film.isOver && step >= film.step ? "reading whole" : "reading"}>
      {shown.slice(0, end).map((cell, position) => {
        if (cell !== undefined && cell.text !== null)
          return <span class={cell.isGuess ? "word guess" : "word"}>{cell.text}</span>;
        if (isBehindEnd(film, position)) return null;
        return <span class={cell === undefined ? "gap" : "gap sealed"} aria-hidden="true" />;
      })}
    </p>
  );
}

/** What a screen reader hears while an answer is made: text that will not change any more, and nothing else. */
export function SpokenLine({ film }: { readonly film: Film | null }): JSX.Element {
  return (
    <p class="unseen" aria-live="polite" id="spoken">
      {film === null ? "" : stableText(film)}
    </p>
  );
}
