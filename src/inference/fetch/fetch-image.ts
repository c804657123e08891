import type { IncomingMessage } from "node:http";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { ImageFetch } from "#wire/fetch.ts";
import { MAX_IMAGE_BYTES } from "#wire/limits.ts";
import { findDestination, type Reach } from "./destination.ts";
import { exchange } from "./exchange.ts";

/** Redirects that a picture may take: from a short link to a service to its store. */
const MAX_REDIRECTS = 3;

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/**
 * Fetches a picture's file: every hop checked, bytes and time limited. What the host sends is not looked at here. Refuses
 * with `image_fetch_blocked`, `image_fetch_failed`, `image_fetch_timeout` (ours, and said to be) and
 * `image_file_too_large`, all with `image: 0`. Rejects only with the reason of an aborted `signal`.
 */
export async function fetchImage(
  { url, timeout_ms }: ImageFetch,
  reach: Reach,
  signal: AbortSignal,
): Promise<Result<Uint8Array<ArrayBuffer>, Failure>> {
  const timer = AbortSignal.timeout(timeout_ms);
  try {
    return await follow(url, reach, AbortSignal.any([signal, timer]));
  } catch (cause) {
    signal.throwIfAborted();
    if (timer.aborted)
      return refuse({ kind: "image_fetch_timeout", image: 0, seconds: timeout_ms / 1000 });
    return failed(reasonOf(cause));
  }
}

async function follow(
  start: string,
  reach: Reach,
  signal: AbortSignal,
): Promise<Result<Uint8Array<ArrayBuffer>, Failure>> {
  let at = start;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const destination = await findDestination(at, reach, signal);
    if (!destination.ok) {
      const reason = hops === 0 ? destination.refusal : `it redirects: ${destination.refusal}`;
      return refuse({ kind: "image_fetch_blocked", image: 0, reason });
    }
    const headers = { accept: "image/*", "user-agent": "unmask" };
    const reply = await exchange(destination.value, { method: "GET", headers }, signal);
    const { statusCode: status = 0, headers: replied } = reply;
    if (!REDIRECTS.includes(status)) {
      if (status === 200) return await readFile(reply);
      reply.destroy();
      return failed(`its host answered ${status}`);
    }
    reply.destroy();
    const { location } = replied;
    if (location === undefined || !URL.canParse(location, at))
      return failed("its host redirects to nowhere");
    at = new URL(location, at).href;
  }
  return failed(`its host redirects more than ${MAX_REDIRECTS} times`);
}

async function readFile(reply: IncomingMessage): Promise<Result<Uint8Array<ArrayBuffer>, Failure>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reply as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_IMAGE_BYTES) {
      reply.destroy();
      return refuse({ kind: "image_file_too_large", image: 0, limitBytes: MAX_IMAGE_BYTES });
    }
    chunks.push(chunk);
  }
  return ok(Uint8Array.from(Buffer.concat(chunks)));
}

function failed(reason: string): Result<never, Failure> {
  return refuse({ kind: "image_fetch_failed", image: 0, reason });
}

/** Says what went wrong without anything that the host sent, and without addresses of ours. */
export function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  switch (code) {
    case "ENOTFOUND":
    case "ENODATA":
    case "EAI_AGAIN":
      return "its host is not known";
    case "ECONNREFUSED":
      return "its host refuses connections";
    case "ECONNRESET":
    case "EPIPE":
      return "its host broke the connection off";
    case "HPE_HEADER_OVERFLOW":
      return "its host's headers are too long";
    default:
      return /^(ERR_TLS|CERT_|DEPTH_|SELF_|UNABLE_)/.test(code)
        ? "its host's certificate is not valid"
        : "its host could not be reached";
  }
}
