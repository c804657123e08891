import { type AnswerEnd, type AnswerUpdate, isEnd } from "#client/answer-stream.ts";
import { createClient } from "#client/client.ts";
import { asOf, closeFilm, expose, type Film, openFilm } from "../canvas/film.ts";
import type { Run, StreamNote } from "../state.ts";
import { cuttableFetch } from "./cuttable-fetch.ts";
import { askOf, type Draft } from "./draft.ts";

/** A question under way. */
export interface Asking {
  /** Resolves once its last frame was shown; rejects with UnmaskError. */
  readonly ended: Promise<void>;
  /** Breaks the connection; it is taken up again by itself. */
  cut(): void;
  /** Stops the answer where it stands: it ends, cancelled, and says what was charged. */
  stop(): void;
}

/** What a question needs of the page around it. */
export interface Surroundings {
  readonly baseUrl: string;
  readonly token: string;
  readonly idempotencyKey: string;
  /** Told after each change of the run. */
  readonly tell: (change: (run: Run) => Run) => void;
  /** Waits until the next frame is to be shown; milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
  readonly fetch: typeof fetch;
}

/** What a step has on the screen, in milliseconds, so that the eye can follow; all steps together take no longer than `FILM_MS`. */
const LONGEST_FRAME_MS = 140;
const FILM_MS = 3_600;

/**
 * Asks, and tells the run frame by frame, no faster than the eye. The stream is read as it is shown: what was not shown when
 * it is cut was not read, and comes again behind the event that was the last.
 */
export function startAsking(draft: Draft, around: Surroundings): Asking {
  const { baseUrl, token, tell, idempotencyKey } = around;
  const note = (one: StreamNote): void => tell((run) => ({ ...run, notes: [...run.notes, one] }));
  const line = cuttableFetch(around.fetch, (lastEventId) => note({ kind: "resumed", lastEventId }));
  const client = createClient({ baseUrl, apiKey: token, fetch: line.fetch });
  const stream = client.ask(askOf(draft), { idempotencyKey });
  return {
    ended: showUpdates(stream, around),
    cut() {
      tell((run) => ({
        ...run,
        notes: [...run.notes, { kind: "cut", step: run.film?.step ?? 0 }],
      }));
      line.cut();
    },
    stop: () => void stream.cancel().catch(() => undefined),
  };
}

/** Tells a run what happens, frame by frame, no faster than the eye. Rejects as `updates` does. */
export async function showUpdates(
  updates: AsyncIterable<AnswerUpdate>,
  around: Pick<Surroundings, "tell" | "pause">,
): Promise<void> {
  let film: Film | null = null;
  for await (const update of updates) {
    if (update.event === "answer.frame" && film !== null) await around.pause(frameMs(film));
    const after = filmAfter(film, update);
    if (film === null && after?.isOver === true) await playFilm(after, around);
    film = after;
    const answer = isEnd(update) ? answerOf(update) : null;
    around.tell((run) => ({ ...run, film: after, answer }));
  }
}

/** An answer from the cache comes whole: its steps are shown all the same. */
async function playFilm(
  film: Film,
  { tell, pause }: Pick<Surroundings, "tell" | "pause">,
): Promise<void> {
  for (let step = 0; step < film.step; step += 1) {
    tell((run) => ({ ...run, film: asOf(film, step) }));
    await pause(frameMs(film));
  }
}

function frameMs({ planned }: Film): number {
  return Math.min(LONGEST_FRAME_MS, FILM_MS / planned);
}

function answerOf(update: AnswerEnd): Run["answer"] {
  const { event: _event, ...answer } = update;
  return answer;
}

function filmAfter(film: Film | null, update: AnswerUpdate): Film | null {
  switch (update.event) {
    case "answer.started":
    case "answer.restarted":
      return openFilm(update);
    case "answer.frame":
      return film === null ? null : expose(film, update);
    case "answer.snapshot":
      return film;
    default:
      return closeFilm(film, update);
  }
}
