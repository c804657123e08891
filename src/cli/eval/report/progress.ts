import type { CommandIo } from "../../command.ts";
import { bar } from "../../terminal/bar.ts";

/** Between two lines where nobody looks at a terminal: the log of an hour stays readable. */
const LINE_INTERVAL_MS = 5_000;

/** Where the same line is drawn again, a screen shows no more than this anyway. */
const REDRAW_INTERVAL_MS = 100;

/** Tells on `stderr` how far an evaluation is: drawn in place at a terminal, a line every few seconds otherwise. */
export interface Progress {
  /** One more question has its score. */
  count(score: number): void;
  /** Nothing more will come. */
  end(): void;
}

/** Starts to tell of `total` questions, with a clock in milliseconds. */
export function startProgress(
  total: number,
  io: Pick<CommandIo, "stderr" | "isTTY">,
  now: () => number,
): Progress {
  const startedMs = now();
  let toldMs = startedMs;
  let done = 0;
  let sum = 0;
  const tell = (): void => {
    toldMs = now();
    const line = progressLine(done, total, sum, toldMs - startedMs);
    // CR and EL: over the line that is there. Source: ECMA-48.
    io.stderr.write(io.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  };
  return {
    count(score) {
      done += 1;
      sum += score;
      const interval = io.isTTY ? REDRAW_INTERVAL_MS : LINE_INTERVAL_MS;
      if (done === total || now() - toldMs >= interval) tell();
    },
    end() {
      if (done > 0 && done < total) tell();
      if (io.isTTY && done > 0) io.stderr.write("\n");
    },
  };
}

/** Writes `█████░░░░░ 12/24, 83.3 % right, 0:12 left`. */
export function progressLine(done: number, total: number, sum: number, elapsedMs: number): string {
  const leftSeconds = Math.ceil(((elapsedMs / done) * (total - done)) / 1000);
  const left =
    done === total
      ? "done"
      : `${Math.floor(leftSeconds / 60)}:${String(leftSeconds % 60).padStart(2, "0")} left`;
  return `${bar(done / total, 20)} ${done}/${total}, ${((sum / done) * 100).toFixed(1)} % right, ${left}`;
}
