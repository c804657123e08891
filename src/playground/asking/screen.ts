import { asOf, type Film } from "../canvas/film.ts";
import type { Surroundings } from "./run.ts";

/** What a step has on the screen, in milliseconds, so that the eye can follow; all steps together take no longer than `FILM_MS`. */
const LONGEST_FRAME_MS = 140;
const FILM_MS = 3_600;

/** An answer's steps as they are shown: one after the other, no faster than the eye, behind what has been heard of it. */
export interface Screen {
  /** Takes in the answer as it was heard last. One that has begun anew is shown from its first step. */
  hear(film: Film): void;
  /** Resolves when all that was heard is shown. */
  caughtUp(): Promise<void>;
  /** Shows all that was heard at once. */
  flush(): void;
}

export function createScreen({ tell, pause }: Pick<Surroundings, "tell" | "pause">): Screen {
  let heard: Film | null = null;
  let shown = 0;
  let playing: Promise<void> = Promise.resolve();
  let isPlaying = false;
  const show = (): void =>
    tell((run) => ({
      ...run,
      film: heard === null || shown >= heard.step ? heard : asOf(heard, shown),
    }));
  const play = async (): Promise<void> => {
    isPlaying = true;
    while (heard !== null && shown < heard.step) {
      await pause(Math.min(LONGEST_FRAME_MS, FILM_MS / heard.planned));
      shown = Math.min(shown + 1, heard.step);
      show();
    }
    isPlaying = false;
  };
  return {
    hear(film) {
      heard = film;
      shown = Math.min(shown, film.step);
      show();
      if (!isPlaying) playing = play();
    },
    caughtUp: () => playing,
    flush() {
      shown = heard?.step ?? 0;
      show();
    },
  };
}
