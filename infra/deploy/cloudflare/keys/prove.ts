import { randomUUID } from "node:crypto";
import { networkFault } from "#domain/network-fault.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { FETCH_PATH } from "#wire/function/fetch.ts";
import { parseRefusal } from "#wire/function/refusal.ts";
import { signTicket } from "#wire/function/ticket.ts";
import type { TicketSigningKey } from "#wire/function/ticket-keys.ts";

/** Whether a function, or the fetch hop, takes what a key signs. */
export interface Proof {
  readonly url: string;
  /** Null: it does. */
  readonly fault: string | null;
}

/** A function that is there answers from memory. */
const PATIENCE_MS = 10_000;

/**
 * Asks each function, and the hop, with a ticket that the key has signed, for an order that is none: who does not know the key refuses the
 * ticket before it reads on, who knows it refuses the order. It costs nothing, reaches nobody and takes no place. `now` in milliseconds.
 */
export async function proveKey(
  urls: readonly string[],
  key: TicketSigningKey,
  now: () => number,
): Promise<readonly Proof[]> {
  return await Promise.all(
    [...new Set(urls)].map(async (url) => ({ url, fault: await faultOf(url, key, now()) })),
  );
}

async function faultOf(url: string, key: TicketSigningKey, now: number): Promise<string | null> {
  const body = new Uint8Array(new TextEncoder().encode("{}"));
  const id = randomUUID();
  const ticket = await signTicket(
    {
      ticketId: id,
      jobId: id,
      accountId: "deploy",
      model: "none",
      bodySha256: await sha256Hex(body),
    },
    key,
    now,
  );
  try {
    const response = await fetch(`${url.replace(/\/$/, "")}${FETCH_PATH}`, {
      method: "POST",
      headers: { authorization: `Bearer ${ticket}`, "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const failure = parseRefusal(await response.json().catch(() => null));
    if (failure?.kind === "invalid_request") return null;
    if (failure?.kind === "ticket_refused") return `does not take the key (${failure.reason})`;
    return `answers ${response.status}${failure === undefined ? ", and not as a function does" : `, ${failure.kind}`}`;
  } catch (cause) {
    return `cannot be reached from here: ${networkFault(cause).says}`;
  }
}
