import { useEffect, useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import { stepText } from "./cell-words.ts";
import { confidenceBySteps, type Film, sureness } from "./film.ts";

export interface ScrubberProps {
  readonly film: Film;
  readonly step: number;
  readonly onScrub: (step: number | null) => void;
  readonly isCalm: boolean;
}

const FRAME_MS = 140;

/** Goes through the steps of an answer that has ended, by hand or as a film; a bar over each step says how sure it was. */
export function Scrubber({ film, step, onScrub, isCalm }: ScrubberProps): JSX.Element {
  const [isPlaying, play] = useState(false);
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setTimeout(
      () => {
        const next = step >= film.step ? 0 : step + 1;
        onScrub(next);
        if (next === film.step) play(false);
      },
      isCalm ? FRAME_MS * 4 : FRAME_MS,
    );
    return () => clearTimeout(timer);
  }, [isPlaying, step]);
  return (
    <div class="scrubber">
      <button
        type="button"
        class="play"
        aria-pressed={isPlaying ? "true" : "false"}
        onClick={() => play(!isPlaying)}
      >
        <span aria-hidden="true">{isPlaying ? "❚❚" : "▶"}</span>
        <span class="unseen">{isPlaying ? "Pause" : "Play the steps"}</span>
      </button>
      <div class="track">
        <div class="bars" aria-hidden="true">
          {confidenceBySteps(film).map((confidence, index) => (
            <i
              class={index < step ? "seen" : ""}
              style={{ "--sure": (confidence === 0 ? 0 : sureness(confidence)).toFixed(3) }}
            />
          ))}
        </div>
        <label class="unseen" for="scrub">
          Step
        </label>
        <input
          id="scrub"
          type="range"
          min="0"
          max={film.step}
          step="1"
          value={step}
          aria-valuetext={`Step ${step} of ${film.step}`}
          onInput={(event: Event) => {
            play(false);
            onScrub(Number((event.currentTarget as HTMLInputElement).value));
          }}
        />
      </div>
      <output for="scrub" class="count">
        {step}
        <small> / {film.step}</small>
      </output>
      <p class="wrote fine">{stepText(film, step)}</p>
    </div>
  );
}
