import { type Fate, fateText, type LocalProcess, lastLines } from "../processes.ts";

/** Exit codes of a function, as sysexits.h has them: this machine cannot run it; another process may do better. */
const CANNOT_RUN = 78;
const REPLACE = 75;

/** How often a function is started anew within so long before it is given up: what crashes that often will not stop. */
export const MAX_RESTARTS = 5;
export const RESTART_WINDOW_MS: number = 10 * 60_000;

/** Before the first start anew, then twice as long each time. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

/** Between two questions whether it asks to be replaced. */
const LOOK_MS = 2_000;

/** How long one that asks to be replaced may take to end what it has. */
const GRACE_MS = 30_000;

/** What a supervisor works with. */
export interface Supervision {
  /** Starts the process; the log of one that is started anew goes on behind that of the one before. */
  readonly start: (isAnew: boolean) => LocalProcess;
  /** Why it asks to be replaced; undefined where it does not, or says nothing. */
  readonly complaint: () => Promise<string | undefined>;
  readonly say: (words: string) => void;
  /** Milliseconds of any clock that does not go back. */
  readonly now: () => number;
  /** Resolves after so long, or as soon as the signal is aborted. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** A process that is started anew when it crashes or asks to be replaced: `ended` is its last end. */
export interface SupervisedProcess extends LocalProcess {
  /** From now on it is asked whether it wants to be replaced: it has begun to serve. */
  watch(): void;
}

/**
 * Keeps a process running. One that dies by a signal has crashed, and is named with the signal and its log, and started anew, as
 * one that asks for it is; one that says that it cannot run here, ends in another way, or does not stay up, has ended for good.
 */
export function supervise(parts: Supervision): SupervisedProcess {
  const { start, say, now, pause } = parts;
  let current = start(false);
  const { name, logFile } = current;
  const stopping = new AbortController();
  const watching = Promise.withResolvers<void>();
  const restarts: number[] = [];

  const run = async (): Promise<Fate> => {
    for (;;) {
      const fate = await endOf(current, parts, watching.promise, stopping.signal);
      if (stopping.signal.aborted) return fate;
      const reason = worthAnother(fate);
      if (reason === undefined) return lastWords(fate, current);
      const since = now() - RESTART_WINDOW_MS;
      const recent = restarts.filter((at) => at > since).length;
      const where = `(see ${logFile})`;
      if (recent >= MAX_RESTARTS) {
        const often = `${MAX_RESTARTS} times within ${RESTART_WINDOW_MS / 60_000} minutes`;
        return { kind: "given up", words: `${reason}, after it was started anew ${often}` };
      }
      const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** recent);
      say(`${name} ${reason} ${where}; it is started anew in ${pauseMs / 1000} s`);
      await pause(pauseMs, stopping.signal);
      if (stopping.signal.aborted) return fate;
      restarts.push(now());
      current = start(true);
    }
  };
  const fate = run();
  return {
    name,
    logFile,
    fate,
    ended: fate.then(fateText),
    message: current.message,
    watch: () => watching.resolve(),
    stop: async (graceMs) => {
      stopping.abort();
      await current.stop(graceMs);
      await fate;
    },
  };
}

/** How it ended, by itself or because it asked to be replaced. */
async function endOf(
  current: LocalProcess,
  { complaint, say, pause }: Supervision,
  watching: Promise<void>,
  stopping: AbortSignal,
): Promise<Fate> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, stopping]);
  let isReplaced = false;
  const look = async (): Promise<Fate> => {
    await watching;
    while (!signal.aborted) {
      const reason = await complaint();
      if (reason !== undefined && !signal.aborted) {
        say(`${current.name} asks to be replaced: ${reason}`);
        isReplaced = true;
        await current.stop(GRACE_MS);
        break;
      }
      await pause(LOOK_MS, signal);
    }
    return await current.fate;
  };
  try {
    const fate = await Promise.race([current.fate, look()]);
    return isReplaced ? { kind: "exit", code: REPLACE } : fate;
  } finally {
    over.abort();
  }
}

/** Somebody has ended it on purpose, before it could say so itself. */
const politeSignals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT", "SIGHUP"];

/** Why another start may do better; undefined where it may not. */
function worthAnother(fate: Fate): string | undefined {
  if (fate.kind === "signal") {
    if (politeSignals.includes(fate.signal)) return undefined;
    return fate.signal === "SIGKILL"
      ? "was killed (SIGKILL): by hand, or by the system for want of memory"
      : `crashed (${fate.signal})`;
  }
  return fate.kind === "exit" && fate.code === REPLACE ? "ended to be replaced" : undefined;
}

function lastWords(fate: Fate, { logFile }: LocalProcess): Fate {
  if (fate.kind !== "exit" || fate.code !== CANNOT_RUN) return fate;
  return { kind: "given up", words: `cannot run here: ${lastLines(logFile, 1)}` };
}
