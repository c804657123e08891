import type { Readable } from "node:stream";
import { MAX_RESPONSE_BYTES } from "#wire/function/fetch.ts";

/** Threat: a body that drips or never ends, and keeps a place. What comes with the head is there by then; the sender waits 3 s longer than for the head. */
const PATIENCE_MS = 1_000;

/**
 * Reads the beginning of a receiver's response as text: at most `MAX_RESPONSE_BYTES`, for at most `patienceMs`, then leaves no
 * connection behind. Bytes that are no UTF-8 become U+FFFD, and so do control characters other than tab and line ends; a
 * character that the limit cuts is left out. Never rejects: where the body breaks off, what came before is its beginning.
 */
export async function beginningOf(
  reply: Readable,
  patienceMs: number = PATIENCE_MS,
): Promise<string> {
  const patience = setTimeout(() => reply.destroy(), patienceMs);
  const bytes = new Uint8Array(MAX_RESPONSE_BYTES);
  let size = 0;
  let isWhole = false;
  try {
    for await (const chunk of reply as AsyncIterable<Uint8Array>) {
      const taken = chunk.subarray(0, MAX_RESPONSE_BYTES - size);
      bytes.set(taken, size);
      size += taken.length;
      if (size === MAX_RESPONSE_BYTES) break;
    }
    isWhole = size < MAX_RESPONSE_BYTES;
  } catch {
    // Its status was heard, which is what counts; how its body ended is the receiver's own affair.
  } finally {
    clearTimeout(patience);
    reply.destroy();
  }
  const text = new TextDecoder().decode(bytes.subarray(0, size), { stream: !isWhole });
  return text.replaceAll(/(?![\t\n\r])\p{Cc}/gu, "\ufffd");
}
