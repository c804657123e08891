import type { CommandIo } from "../../command.ts";
import { bar } from "../../terminal/bar.ts";

/** Between two lines where nobody looks at a terminal: the log of an hour stays readable. */
const LINE_INTERVAL_MS = 5_000;

/** Where the same line is drawn again, a screen shows no more than this anyway. */
const REDRAW_INTERVAL_MS = 100;

/** Tells on `stderr` how far an evaluation is: drawn in place at a terminal, a line every few seconds otherwise. */
export interface Progress {
  /** One more question has its score; null where it got none. */
  count(score: number | null): void;
  /** One question fewer is to be asked. */
  pass(): void;
  /** Nothing more will come. */
  end(): void;
}

/** Starts to tell of at most `total` questions of a column, which may be called nothing, with a clock in milliseconds. */
export function startProgress(
  total: number,
  io: Pick<CommandIo, "stderr" | "isTTY">,
  now: () => number,
  name = "",
): Progress {
  const startedMs = now();
  let toldMs = startedMs;
  let left = total;
  let done = 0;
  let sum = 0;
  const tell = (): void => {
    toldMs = now();
    const line = `${name === "" ? "" : `${name}: `}${progressLine(done, left, sum, toldMs - startedMs)}`;
    // CR and EL: over the line that is there. Source: ECMA-48.
    io.stderr.write(io.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  };
  return {
    count(score) {
      done += 1;
      sum += score ?? 0;
      const interval = io.isTTY ? REDRAW_INTERVAL_MS : LINE_INTERVAL_MS;
      if (done === left || now() - toldMs >= interval) tell();
    },
    pass() {
      left -= 1;
    },
    end() {
      if (done > 0 && done < left) tell();
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
