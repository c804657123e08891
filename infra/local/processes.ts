import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A program of the local stack: started by us, logged to a file, stopped by us. */
export interface LocalProcess {
  readonly name: string;
  readonly logFile: string;
  /** Resolves when it ends, with how it ended. */
  readonly fate: Promise<Fate>;
  /** The same for people. */
  readonly ended: Promise<string>;
  /** Resolves with the first message that it sends over Node's channel; for ever pending if it sends none. */
  readonly message: Promise<unknown>;
  /** Asks it to end and, if it does not within `graceMs`, makes it. Resolves when it and all that it started are gone. */
  readonly stop: (graceMs: number) => Promise<void>;
}

/** A program whose process is known by its number. */
export interface StartedProcess extends LocalProcess {
  /** Absent where it could not be started. */
  readonly pid: number | undefined;
}

/** How a program ended. */
export type Fate =
  | { readonly kind: "exit"; readonly code: number | null }
  /** It crashed, or somebody ended it. */
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals }
  | { readonly kind: "unstartable"; readonly message: string }
  /** It is not started anew any more. */
  | { readonly kind: "given up"; readonly words: string };

/** Says how a program ended, behind its name. */
export function fateText(fate: Fate): string {
  switch (fate.kind) {
    case "exit":
      return `ended with ${fate.code}`;
    case "signal":
      return `ended by ${fate.signal}`;
    case "unstartable":
      return `could not be started: ${fate.message}`;
    case "given up":
      return fate.words;
    default:
      return fate satisfies never;
  }
}

/**
 * Starts a program in a process group of its own, so that Ctrl-C in the terminal reaches only us and we stop the
 * stack in order: first what works, then what it works with. The group ends with its first process, and with us.
 */
export function startProcess(
  name: string,
  command: readonly [string, ...string[]],
  options: {
    readonly logFile: string;
    /** Over this process's own; undefined takes one away. */
    readonly env: Readonly<Record<string, string | undefined>>;
    /** Whether the log goes on behind what stands in it. */
    readonly isAnew?: boolean;
  },
): StartedProcess {
  const [program, ...args] = command;
  // A file of its own, not a pipe through us: it can say its last words when we are gone.
  const log = openSync(options.logFile, options.isAnew === true ? "a" : "w");
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    stdio: ["ignore", log, log, "ipc"],
    detached: true,
  });
  closeSync(log);
  const message = new Promise<unknown>((resolve) => child.once("message", resolve));
  const cutLifeline = holdLifeline(child);
  const fate = new Promise<Fate>((resolve) => {
    child.once("error", ({ message }) => resolve({ kind: "unstartable", message }));
    child.once("exit", (code, signal) =>
      resolve(signal === null ? { kind: "exit", code } : { kind: "signal", signal }),
    );
  });
  void fate.then(() => {
    // What it had started itself would stay: workerd serves on without the process that watches over it.
    signalGroup(child, "SIGKILL");
    cutLifeline();
  });
  const stop = (graceMs: number): Promise<void> => stopGroup(child, fate, graceMs);
  const { pid } = child;
  return { name, pid, logFile: options.logFile, fate, ended: fate.then(fateText), message, stop };
}

/** Has a shell end the child's group when we are gone; returns how to let go of it. */
function holdLifeline(child: ChildProcess): () => void {
  if (child.pid === undefined) return () => undefined;
  const script = path.join(import.meta.dirname, "lifeline.sh");
  const lifeline = spawn("sh", [script, `-${child.pid}`], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  // Without it a part would outlive us unseen.
  lifeline.once("exit", () => child.kill("SIGTERM"));
  return () => lifeline.kill("SIGKILL");
}

async function stopGroup(child: ChildProcess, fate: Promise<Fate>, graceMs: number): Promise<void> {
  signalGroup(child, "SIGTERM");
  const patience = new AbortController();
  const isLate = sleep(graceMs, true, { signal: patience.signal }).catch(() => false); // aborted: it ended in time
  if ((await Promise.race([fate, isLate])) === true) signalGroup(child, "SIGKILL");
  patience.abort();
  await fate;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (cause) {
    const isGone = cause instanceof Error && "code" in cause && cause.code === "ESRCH";
    if (!isGone) throw cause;
  }
}

/** Returns the end of a log, for a person who wants to know why something did not start. */
export function lastLines(logFile: string, count: number): string {
  return readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-count).join("\n");
}

/**
 * Asks `probe` until it is content, the process ends, or time is up.
 * Throws an Error with the end of the process's log in the latter two cases.
 */
export async function waitUntil(
  subject: LocalProcess,
  probe: () => Promise<boolean>,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const deadlineMs = performance.now() + options.timeoutMs;
  let fate: string | undefined;
  void subject.ended.then((how) => {
    fate = how;
  });
  while (!(await probe())) {
    options.signal.throwIfAborted();
    if (fate !== undefined)
      throw new Error(`${subject.name} ${fate}:\n${lastLines(subject.logFile, 20)}`);
    if (performance.now() > deadlineMs) {
      throw new Error(`${subject.name} was not ready in time:\n${lastLines(subject.logFile, 20)}`);
    }
    await sleep(100);
  }
}

/** Says whether a URL answers with a 2xx now. Not being there yet is a "no", not an error. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch (cause) {
    if (
      cause instanceof TypeError ||
      (cause instanceof DOMException && cause.name === "TimeoutError")
    )
      return false;
    throw cause;
  }
}
