import type { ServerType } from "@hono/node-server";

/** Resolves at the first signal that asks the process to end; from now on none of them ends it by itself. */
export function askedToEnd(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve(signal));
  });
}

/** Lets what runs end, but not for ever: the platform kills what has not gone after its own patience. */
export async function withinMs(work: Promise<unknown>, limitMs: number): Promise<void> {
  const { promise: isLate, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  await Promise.race([work, isLate]);
  clearTimeout(timer);
}

/** How long a reply that is ready may take to its last byte. */
const FLUSH_MS = 2_000;

/** Closes a server: replies that are ready are still written, then every connection ends, also those that are kept open. */
export async function closeServer(server: ServerType): Promise<void> {
  const { promise: closed, resolve, reject } = Promise.withResolvers<void>();
  server.close((error) => (error === undefined ? resolve() : reject(error)));
  // A connection that is kept alive is idle only once its last reply is written.
  const sweep = setInterval(() => {
    if ("closeIdleConnections" in server) server.closeIdleConnections();
  }, FLUSH_MS / 100);
  await withinMs(closed, FLUSH_MS);
  clearInterval(sweep);
  if ("closeAllConnections" in server) server.closeAllConnections();
  await closed;
}
