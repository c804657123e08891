import { type AnswerEnd, type AnswerUpdate, isEnd } from "#client/answer-stream.ts";
import { createClient } from "#client/client.ts";
import { closeFilm, expose, type Film, hasWords, openFilm } from "../canvas/film.ts";
import { showReading } from "../fields/reading.ts";
import type { Run, StreamNote } from "../state.ts";
import { cuttableFetch } from "./cuttable-fetch.ts";
import { type Draft, watchedAskOf } from "./draft.ts";
import { createScreen } from "./screen.ts";

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

/**
 * Asks, and tells the run frame by frame, no faster than the eye. What was not read of the stream when it is cut comes again behind the
 * event that was the last.
 */
export function startAsking(draft: Draft, around: Surroundings): Asking {
  const { baseUrl, token, tell, idempotencyKey } = around;
  const note = (one: StreamNote): void => tell((run) => ({ ...run, notes: [...run.notes, one] }));
  const line = cuttableFetch(around.fetch, (lastEventId) => note({ kind: "resumed", lastEventId }));
  const client = createClient({ baseUrl, apiKey: token, fetch: line.fetch });
  const stream = client.ask(watchedAskOf(draft), { idempotencyKey });
  return {
    ended: draft.wants === "values" ? showReading(stream, tell) : showUpdates(stream, around),
    cut() {
      note({ kind: "cut" });
      line.cut();
    },
    stop: () => void stream.cancel().catch(() => undefined),
  };
}

/**
 * Tells a run what happens, frame by frame, no faster than the eye. Sealed frames are read ahead of what is shown, so that their words are
 * there, if they come in time, when their steps are shown; from then on a frame is read when the one before it is shown. Rejects as
 * `updates` does, once all that was heard is shown.
 */
export async function showUpdates(
  updates: AsyncIterable<AnswerUpdate>,
  around: Pick<Surroundings, "tell" | "pause">,
): Promise<void> {
  const screen = createScreen(around);
  let film: Film | null = null;
  try {
    for await (const update of updates) {
      film = filmAfter(film, update);
      if (film !== null) screen.hear(film);
      if (isEnd(update) || hasWords(film)) await screen.caughtUp();
      if (isEnd(update)) around.tell((run) => ({ ...run, answer: answerOf(update) }));
    }
  } catch (cause) {
    screen.flush();
    throw cause;
  }
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
    case "field.completed":
    case "answer.snapshot":
      return film;
    default:
      return closeFilm(film, update);
  }
}
