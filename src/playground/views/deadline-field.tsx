import type { JSX } from "hono/jsx/jsx-runtime";

/** What the slider's places mean, in milliseconds; the last is no deadline at all. */
const deadlines: readonly (number | null)[] = [
  0,
  20,
  50,
  100,
  150,
  200,
  300,
  500,
  1000,
  2000,
  5000,
  10_000,
  30_000,
  null,
];

export interface DeadlineFieldProps {
  readonly deadlineMs: number | null;
  /** Whether values are read, and no words written. */
  readonly areValues: boolean;
  readonly onChange: (deadlineMs: number | null) => void;
}

/** How long the answer may take: then it is told as it stands, and only the steps that ran are charged. */
export function DeadlineField({
  deadlineMs,
  areValues,
  onChange,
}: DeadlineFieldProps): JSX.Element {
  const place = deadlines.indexOf(deadlineMs);
  return (
    <div class="field wide">
      <label for="deadline">Deadline</label>
      <input
        id="deadline"
        type="range"
        min="0"
        max={deadlines.length - 1}
        step="1"
        value={place < 0 ? deadlines.length - 1 : place}
        aria-valuetext={deadlineText(deadlineMs)}
        onInput={(event: Event) => {
          const chosen = Number((event.currentTarget as HTMLInputElement).value);
          onChange(deadlines[chosen] ?? null);
        }}
      />
      <span class="fine">
        {deadlineMs === null
          ? `none: the answer takes its ${areValues ? "passes" : "steps"}`
          : `${deadlineText(deadlineMs)}, then ${areValues ? whenOver.values : whenOver.words} that ran are charged`}
      </span>
    </div>
  );
}

/** What becomes of an answer at its deadline. */
const whenOver = {
  words: "the canvas as it stands; the steps",
  values: "the values that are known; the passes",
} as const;

function deadlineText(ms: number | null): string {
  if (ms === null) return "no deadline";
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}
