import type { IncomingMessage } from "node:http";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { ImageFetch } from "#wire/function/fetch.ts";
import { MAX_IMAGE_BYTES } from "#wire/limits.ts";
import { findDestination, type Reach } from "./destination.ts";
import { exchange } from "./exchange.ts";
import { isOwnFault, reasonOf } from "./faults.ts";

/** Redirects that a picture may take: from a short link to a service to its store. */
const MAX_REDIRECTS = 3;

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/**
 * Fetches a picture's file: every hop checked, bytes and time limited. What the host sends is not looked at here. Refuses
 * with `image_fetch_blocked`, `image_fetch_refused`, `image_fetch_failed`, `image_fetch_timeout` (ours, and said to be) and
 * `image_file_too_large`, all with `image: 0`. The order's time began `waitedMs` ago. Rejects with the reason of an aborted
 * `signal`, and where this machine itself is at fault.
 */
export async function fetchImage(
  { url, timeout_ms }: ImageFetch,
  reach: Reach,
  signal: AbortSignal,
  waitedMs = 0,
): Promise<Result<Uint8Array<ArrayBuffer>, Failure>> {
  const timer = AbortSignal.timeout(Math.max(0, Math.round(timeout_ms - waitedMs)));
  try {
    return await follow(url, reach, AbortSignal.any([signal, timer]));
  } catch (cause) {
    signal.throwIfAborted();
    if (timer.aborted)
      return refuse({ kind: "image_fetch_timeout", image: 0, seconds: timeout_ms / 1000 });
    if (isOwnFault(cause)) throw cause;
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
      if (status === 200) return await readFile(reply, signal);
      reply.destroy();
      const reason = `its host answered ${status}`;
      return isLasting(status)
        ? refuse({ kind: "image_fetch_refused", image: 0, reason })
        : failed(reason);
    }
    reply.destroy();
    const { location } = replied;
    if (location === undefined || !URL.canParse(location, at))
      return failed("its host redirects to nowhere");
    at = new URL(location, at).href;
  }
  return failed(`its host redirects more than ${MAX_REDIRECTS} times`);
}

async function readFile(
  reply: IncomingMessage,
  signal: AbortSignal,
): Promise<Result<Uint8Array<ArrayBuffer>, Failure>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const { socket } = reply;
  for await (const chunk of reply as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_IMAGE_BYTES) {
      reply.destroy();
      return refuse({ kind: "image_file_too_large", image: 0, limitBytes: MAX_IMAGE_BYTES });
    }
    chunks.push(chunk);
  }
  // A body that ends with its connection reads as whole however that ends: when we cut it, or the host resets it.
  signal.throwIfAborted();
  if (socket.errored !== null) throw socket.errored;
  return ok(Uint8Array.from(Buffer.concat(chunks)));
}

/** Whether a host that answers so will answer so again. Source: RFC 9110 section 15.5; RFC 8470, RFC 6585 for 425 and 429. */
function isLasting(status: number): boolean {
  const mayPass = [408, 425, 429].includes(status);
  return status >= 400 && status < 500 && !mayPass;
}

function failed(reason: string): Result<never, Failure> {
  return refuse({ kind: "image_fetch_failed", image: 0, reason });
}
