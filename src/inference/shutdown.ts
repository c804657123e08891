import type { ServerType } from "@hono/node-server";

/** Resolves at the first signal that asks the process to end; from now on none of them ends it by itself. */
export function askedToEnd(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve(signal));
  });
}

async function withinMs(work: Promise<unknown>, limitMs: number): Promise<void> {
  const { promise: isLate, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  await Promise.race([work, isLate]);
  clearTimeout(timer);
}

/** How long a reply that is ready may take to its last byte. */
const FLUSH_MS = 2_000;

/**
 * Lets what runs end, writes what is ready, and closes every connection, also those that are kept open: all within `limitMs`, since
 * the platform kills what has not gone after its own patience. What still runs when only the time to write is left is cut off: `onCut`
 * is called, which tells who asked, and they send it elsewhere.
 */
export async function endWithin(
  limitMs: number,
  work: Promise<unknown>,
  server: ServerType,
  onCut: () => void,
): Promise<void> {
  // The time to write is a part of the whole: without it the last reply is cut off where the work took all of it.
  const flushMs = Math.min(FLUSH_MS, limitMs / 4);
  let isDone = false;
  const done = work.then(() => {
    isDone = true;
  });
  await withinMs(done, limitMs - flushMs);
  if (!isDone) onCut();
  const { promise: closed, resolve, reject } = Promise.withResolvers<void>();
  server.close((error) => (error === undefined ? resolve() : reject(error)));
  // A connection that is kept alive is idle only once its last reply is written.
  const sweep = setInterval(() => {
    if ("closeIdleConnections" in server) server.closeIdleConnections();
  }, FLUSH_MS / 100);
  await withinMs(closed, flushMs);
  clearInterval(sweep);
  if ("closeAllConnections" in server) server.closeAllConnections();
  await closed;
}
