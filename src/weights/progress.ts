/** How far a transfer of known size is. */
export interface Progress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Over the last ten seconds; 0 before anything arrived. */
  readonly bytesPerSecond: number;
  /** Seconds until the end at that rate; Infinity while the rate is 0. */
  readonly etaSeconds: number;
}

/** A transfer's speed is that of its last ten seconds: an average since the start would hide that it has come to a halt. */
const WINDOW_MS = 10_000;
/** Samples this far apart at least: 40 of them cover the window. */
const SAMPLE_MS = 250;

/**
 * Measures a growing number of bytes, of which `keptBytes` were done before and say nothing of the rate. `now` returns milliseconds of
 * any monotonic clock.
 */
export function rateMeter(
  totalBytes: number,
  now: () => number = () => performance.now(),
): (doneBytes: number, keptBytes?: number) => Progress {
  const samples: { atMs: number; bytes: number }[] = [{ atMs: now(), bytes: 0 }];
  return (doneBytes, keptBytes = 0) => {
    const movedBytes = doneBytes - keptBytes;
    const atMs = now();
    const newest = samples[samples.length - 1];
    if (newest === undefined || atMs - newest.atMs >= SAMPLE_MS) {
      samples.push({ atMs, bytes: movedBytes });
      while (samples.length > 2 && (samples[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) samples.shift();
    }
    const oldest = samples[0] ?? { atMs, bytes: movedBytes };
    const seconds = (atMs - oldest.atMs) / 1000;
    const bytesPerSecond = seconds > 0 ? Math.max(0, movedBytes - oldest.bytes) / seconds : 0;
    return {
      doneBytes,
      totalBytes,
      bytesPerSecond,
      etaSeconds: doneBytes >= totalBytes ? 0 : (totalBytes - doneBytes) / bytesPerSecond,
    };
  };
}
