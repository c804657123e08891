import { sha256Hex } from "#wire/codec/digest.ts";
import { signTicket, type Ticket } from "#wire/function/ticket.ts";
import { newId } from "../id.ts";
import type { Settings } from "../settings.ts";

/** What a ticket says besides what it is signed for. */
export type TicketTerms = Pick<Ticket, "jobId" | "accountId" | "model" | "pictures" | "isStored">;

/** What a ticket says that orders no answer: the fetch hop has no model. */
export const NO_MODEL = "none";

/** Writes a request to a function with a ticket, signed now, for exactly this body. */
export async function signedRequest(
  body: Uint8Array<ArrayBuffer>,
  terms: TicketTerms,
  settings: Pick<Settings, "ticketKey">,
): Promise<RequestInit & { readonly headers: Record<string, string> }> {
  const headers = {
    ...(await ticketHeader(body, terms, settings)),
    "content-type": "application/json",
  };
  return { method: "POST", headers, body };
}

/** The header with a ticket, signed now, for a body that these bytes stand for. */
export async function ticketHeader(
  bytes: Uint8Array<ArrayBuffer>,
  terms: TicketTerms,
  { ticketKey }: Pick<Settings, "ticketKey">,
): Promise<{ readonly authorization: string }> {
  const ticket = { ...terms, ticketId: newId("tkt"), bodySha256: await sha256Hex(bytes) };
  return { authorization: `Bearer ${await signTicket(ticket, ticketKey, Date.now())}` };
}
