import type { Progress } from "#weights/progress.ts";
import type { TextSink } from "../command.ts";

/** Between two lines of progress: a log of an hour's conversion stays readable. */
const LINE_INTERVAL_MS = 2000;

/** Prints how far a transfer is, at most every two seconds and at its end. */
export function progressPrinter(
  sink: TextSink,
  now: () => number = () => performance.now(),
): (progress: Progress, label: string) => void {
  let printedMs = now();
  let hasEnded = false;
  return (progress, label) => {
    const isLast = progress.doneBytes >= progress.totalBytes;
    if (hasEnded || (!isLast && now() - printedMs < LINE_INTERVAL_MS)) return;
    hasEnded = isLast;
    printedMs = now();
    sink.write(`${label.padEnd(10)} ${progressLine(progress)}\n`);
  };
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
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
