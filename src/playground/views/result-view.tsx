import type { JSX } from "hono/jsx/jsx-runtime";
import { MAX_CANVAS } from "#wire/limits.ts";
import type { Actions } from "../actions.ts";
import { StreamNotes } from "../asking/stream-notes.tsx";
import { CanvasView } from "../canvas/canvas-view.tsx";
import { percent } from "../canvas/cell-words.ts";
import { type Film, openFilm } from "../canvas/film.ts";
import { ReadingLine } from "../canvas/reading-line.tsx";
import { Scrubber } from "../canvas/scrubber.tsx";
import { modelOf, type Run, type State } from "../state.ts";
import { FactsView } from "./facts-view.tsx";

export interface ResultViewProps {
  readonly state: State;
  readonly actions: Actions;
  readonly isCalm: boolean;
}

/** Positions of the canvas that is drawn before any is known. */
const USUAL_CANVAS = 32;

/** The answer: as it reads, as the canvas it was written on, step by step; and what is known of it. */
export function ResultView({ state, actions, isCalm }: ResultViewProps): JSX.Element {
  const { run, draft, heat, scrubbed } = state;
  const size = drawnSize(state);
  const film = run?.film ?? openFilm({ canvas: size, steps: size });
  const step = scrubbed ?? film.step;
  const hasEnded = run !== null && run.film !== null && !run.isShowing;
  return (
    <section class="card result" aria-label="Answer">
      {draft.turns.length > 0 && (
        <ol class="turns" aria-label="What was said before">
          {draft.turns.map(({ question, answer }) => (
            <li>
              <p class="asked">{question}</p>
              <p class="answered">{answer}</p>
            </li>
          ))}
        </ol>
      )}
      {run === null ? <Welcome /> : <p class="asked">{run.question}</p>}
      {run !== null && <ReadingLine {...{ film, step }} />}
      <Toolbar {...{ run, heat, actions, film, step }} />
      <CanvasView {...{ film, step, heat }} />
      {hasEnded && <Scrubber {...{ film, step, isCalm }} onScrub={actions.scrub} />}
      {run !== null && <StreamNotes run={run} />}
      {hasEnded && run.answer !== null && <FactsView {...{ run, actions }} answer={run.answer} />}
    </section>
  );
}

/** Positions to draw before any is known. Threat: a link, or a slip of the finger, with more than a browser draws, or with a part of one. */
function drawnSize(state: State): number {
  const usual = modelOf(state)?.canvas.default ?? USUAL_CANVAS;
  const asked = state.draft.options.canvas ?? usual;
  return Number.isInteger(asked) && asked >= 1 && asked <= MAX_CANVAS ? asked : usual;
}

function Welcome(): JSX.Element {
  return (
    <div class="welcome">
      <p class="reading">
        Not word after word: <em>all at once.</em>
      </p>
      <p>
        The answer starts as a canvas of masks. With each step the model writes the positions it is
        surest of, wherever they stand, until none is left.
      </p>
    </div>
  );
}

interface ToolbarProps {
  readonly run: Run | null;
  readonly heat: State["heat"];
  readonly actions: Actions;
  readonly film: Film;
  readonly step: number;
}

function Toolbar({ run, heat, actions, film, step }: ToolbarProps): JSX.Element {
  const isUnderWay = run?.isShowing === true;
  return (
    <div class="row toolbar">
      <fieldset class="switch">
        <legend class="unseen">Cells show</legend>
        {(["order", "confidence"] as const).map((kind) => (
          <label class={heat === kind ? "on" : ""}>
            <input
              type="radio"
              name="heat"
              value={kind}
              checked={heat === kind}
              onChange={() => actions.setHeat(kind)}
            />
            {kind === "order" ? "Order" : "Confidence"}
          </label>
        ))}
      </fieldset>
      <p class="fine state">{stateText(run, film, step)}</p>
      {isUnderWay && (
        <div class="row">
          {!run.isPrivate && (
            <button type="button" onClick={actions.cut}>
              Cut the stream
            </button>
          )}
          <button type="button" onClick={actions.stop}>
            Stop
          </button>
        </div>
      )}
    </div>
  );
}

function stateText(run: Run | null, film: Film, step: number): string {
  if (run === null) return `${film.size} positions, all masked`;
  if (run.film === null) return run.isShowing ? "asking …" : "";
  if (!film.isOver) return `step ${step} of ${film.planned}`;
  const sure = run.answer === null ? "" : `, ${percent(run.answer.confidence)} sure`;
  return `${film.step} of ${film.planned} steps${sure}`;
}
