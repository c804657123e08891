import { sha256Hex } from "#wire/codec/digest.ts";
import { signTicket, type Ticket } from "#wire/function/ticket.ts";
import { newId } from "../id.ts";
import type { Settings } from "../settings.ts";

/** Writes a request to a function with a ticket, signed now, for exactly this body. */
export async function signedRequest(
  body: Uint8Array<ArrayBuffer>,
  order: Pick<Ticket, "jobId" | "accountId" | "model" | "pictures">,
  { ticketKey }: Pick<Settings, "ticketKey">,
): Promise<RequestInit & { readonly headers: Record<string, string> }> {
  const ticket = { ...order, ticketId: newId("tkt"), bodySha256: await sha256Hex(body) };
  const signed = await signTicket(ticket, ticketKey, Date.now());
  const headers = { authorization: `Bearer ${signed}`, "content-type": "application/json" };
  return { method: "POST", headers, body };
}
