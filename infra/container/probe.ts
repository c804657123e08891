// Asks an address whether all is well: `node infra/container/probe.ts URL` ends with 0 where it answers 2xx. Images have no curl.

/** Below the timeout that health checks give it, so that it says itself what was wrong. */
const PATIENCE_MS = 4_000;

const [url = ""] = process.argv.slice(2);
try {
  const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!ok) console.error(`${url} answers ${status}`);
  process.exitCode = ok ? 0 : 1;
} catch (cause) {
  console.error(`${url} does not answer: ${cause instanceof Error ? cause.message : cause}`);
  process.exitCode = 1;
}
