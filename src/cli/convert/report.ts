import type { Progress } from "#weights/progress.ts";
import type { TextSink } from "../command.ts";

/** Between two lines of progress: a log of an hour's conversion stays readable. */
const LINE_INTERVAL_MS = 2000;

/** Between two looks of a line that is written over: as fast as one can read it. */
const REWRITE_INTERVAL_MS = 200;

/** In a log, whatever goes on without a word says so this often. */
const REMINDER_INTERVAL_MS = 10_000;

/** Writes over the whole line that the cursor is in. Source: ECMA-378 / xterm, `CSI K`. */
const REWRITE = "\r\u001b[K";

/** Tells a person or a log what goes on. */
export interface Reporter extends Disposable {
  /** A sentence that stays. */
  says(text: string): void;
  /** How far a transfer is; `label` names the part. */
  progress(progress: Progress, label: string): void;
}

/**
 * Reports on `sink`: with `columns`, as one line that is written over on a terminal of that width; without, as a line every two
 * seconds. What lasts longer than that without news is told, too, with how long it has: silence looks like a fault. Ends with
 * its disposal.
 */
export function createReporter(
  sink: TextSink,
  {
    columns,
    now = () => performance.now(),
    every = repeatedly,
  }: {
    readonly columns?: number | undefined;
    readonly now?: () => number;
    /** Calls back again and again until the returned function is called. */
    readonly every?: (milliseconds: number, call: () => void) => () => void;
  } = {},
): Reporter {
  const isTerminal = columns !== undefined;
  const interval = isTerminal ? REWRITE_INTERVAL_MS : LINE_INTERVAL_MS;
  let latest = { text: "", sinceMs: now() };
  let writtenMs = now();
  let isEnded = false; // the transfer that is told of
  let isLineOpen = false;
  const write = (text: string): void => {
    writtenMs = now();
    isLineOpen = isTerminal;
    sink.write(isTerminal ? `${REWRITE}${text.slice(0, Math.max(1, columns - 1))}` : `${text}\n`);
  };
  const closeLine = (): void => {
    if (isLineOpen) sink.write("\n");
    isLineOpen = false;
  };
  const stop = every(interval, () => {
    const silence = isTerminal ? LINE_INTERVAL_MS : REMINDER_INTERVAL_MS;
    if (latest.text === "" || isEnded || now() - latest.sinceMs < silence) return;
    if (!isTerminal && now() - writtenMs < silence) return;
    const seconds = Math.floor((now() - latest.sinceMs) / 1000);
    write(`${latest.text}   (for ${seconds} s)`);
  });
  return {
    says(text) {
      if (isLineOpen) sink.write(REWRITE);
      isLineOpen = false;
      isEnded = false;
      writtenMs = now();
      latest = { text, sinceMs: now() };
      sink.write(`${text}\n`);
    },
    progress(progress, label) {
      const isLast = progress.doneBytes >= progress.totalBytes;
      const text = `${label.padEnd(10)} ${progressLine(progress)}`;
      latest = { text, sinceMs: now() };
      if (isEnded && isLast) return;
      isEnded = isLast;
      if (isLast || now() - writtenMs >= interval) write(text);
      if (isLast) closeLine();
    },
    [Symbol.dispose]() {
      stop();
      closeLine();
    },
  };
}

/** Same words within this time are one fault: parts of a file are read side by side, and all of them meet it. */
const SAME_FAULT_MS = 1000;

/** Returns what tells of a request that failed and is tried again. */
export function retryTeller(
  says: (text: string) => void,
  now: () => number = () => performance.now(),
): (error: Error, waitMs: number) => void {
  let told = { text: "", atMs: Number.NEGATIVE_INFINITY };
  return ({ message }, waitMs) => {
    if (told.text === message && now() - told.atMs < SAME_FAULT_MS) return;
    told = { text: message, atMs: now() };
    says(`${message}; trying again in ${Math.ceil(waitMs / 1000)} s`);
  };
}

function repeatedly(milliseconds: number, call: () => void): () => void {
  const timer = setInterval(call, milliseconds);
  timer.unref();
  return () => clearInterval(timer);
}

/** Says how far a transfer is: `1.20 of 16.87 GB   7 %   85 MB/s   3:05 left`. */
export function progressLine({
  doneBytes,
  totalBytes,
  bytesPerSecond,
  etaSeconds,
}: Progress): string {
  const [unit, name] = totalBytes >= 1e9 ? [1e9, "GB"] : [1e6, "MB"];
  const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100);
  const left = Number.isFinite(etaSeconds) ? `${clock(etaSeconds)} left` : "waiting";
  return [
    `${(doneBytes / unit).toFixed(2)} of ${(totalBytes / unit).toFixed(2)} ${name}`,
    `${percent} %`,
    `${(bytesPerSecond / 1e6).toFixed(0)} MB/s`,
    doneBytes >= totalBytes ? "done" : left,
  ].join("   ");
}

function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const minutes = Math.floor(whole / 60);
  const rest = `${String(minutes % 60).padStart(minutes < 60 ? 1 : 2, "0")}:${String(whole % 60).padStart(2, "0")}`;
  return minutes < 60 ? rest : `${Math.floor(minutes / 60)}:${rest}`;
}
