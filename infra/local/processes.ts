import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A program of the local stack: started by us, logged to a file, stopped by us. */
export interface LocalProcess {
  readonly name: string;
  readonly logFile: string;
  /** Resolves when it ends, with how it ended. */
  readonly ended: Promise<string>;
  /** Asks it to end and, if it does not within `graceMs`, makes it. Resolves when it is gone. */
  readonly stop: (graceMs: number) => Promise<void>;
}

/**
 * Starts a program in a process group of its own, so that Ctrl-C in the terminal reaches only us and we stop the
 * stack in order: first what works, then what it works with.
 */
export function startProcess(
  name: string,
  command: readonly [string, ...string[]],
  options: { readonly logFile: string; readonly env: Readonly<Record<string, string>> },
): LocalProcess {
  const [program, ...args] = command;
  const log = createWriteStream(options.logFile);
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (cause) => resolve(`could not be started: ${cause.message}`));
    child.once("exit", (code, signal) =>
      resolve(signal === null ? `ended with ${code}` : `ended by ${signal}`),
    );
  });
  return { name, logFile: options.logFile, ended, stop: (graceMs) => stop(child, ended, graceMs) };
}

async function stop(child: ChildProcess, ended: Promise<string>, graceMs: number): Promise<void> {
  signalGroup(child, "SIGTERM");
  const patience = new AbortController();
  const isLate = sleep(graceMs, true, { signal: patience.signal }).catch(() => false); // aborted: it ended in time
  if ((await Promise.race([ended, isLate])) === true) signalGroup(child, "SIGKILL");
  patience.abort();
  await ended;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, signal);
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

/** Finds a loopback port that nobody listens on. Another program may take it before we do; then the start fails and says so. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") {
        reject(new Error("the system named no port"));
        return;
      }
      server.close(() => resolve(address.port));
    });
  });
}
