import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import {
  HOP_VERSION,
  isTicketFor,
  openTicket,
  type Ticket,
  type TicketVerificationKey,
} from "#wire/function/ticket.ts";
import type { Log } from "./log.ts";
import type { TicketLog } from "./ticket-log.ts";

/** What work orders are checked with. */
export interface WorkOrderParts {
  readonly ticketKeys: readonly TicketVerificationKey[];
  readonly tickets: TicketLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
}

/**
 * Checks a work order before a byte of the body is read: strangers get neither memory nor a place. Refuses with
 * `ticket_refused`: there is none, it is not ours, too old, or was used before; and with `function_outdated`, unread, where
 * it is of a version to come.
 */
export async function readTicket(
  { headers }: Request,
  { ticketKeys, tickets, now, log }: WorkOrderParts,
): Promise<Result<Ticket, Failure>> {
  const [scheme, jwt] = (headers.get("authorization") ?? "").split(" ");
  if (scheme !== "Bearer" || jwt === undefined) {
    return refuse({ kind: "ticket_refused", reason: "there is none" });
  }
  const ticket = await openTicket(jwt, ticketKeys, now());
  if (!ticket.ok) {
    log("ticket.refused", { reason: ticket.refusal.reason });
    return ticket;
  }
  const { version } = ticket.value;
  if (version > HOP_VERSION) {
    log("ticket.refused", { reason: `of hop version ${version}`, job: ticket.value.jobId });
    return refuse({ kind: "function_outdated", version: HOP_VERSION, needed: version });
  }
  if (!tickets.admit(ticket.value.ticketId)) {
    log("ticket.refused", { reason: "used before", job: ticket.value.jobId });
    return refuse({ kind: "ticket_refused", reason: "used before" });
  }
  return ticket;
}

/**
 * Reads the body that a ticket was signed for, and no other. Refuses with `body_too_large` beyond `limitBytes`, and with
 * `ticket_refused`.
 */
export async function readTicketedBody(
  request: Request,
  ticket: Ticket,
  limitBytes: number,
  log: Log,
): Promise<Result<Uint8Array<ArrayBuffer>, Failure>> {
  const body = await readBody(request, limitBytes);
  if (!body.ok || (await isTicketFor(ticket, body.value))) return body;
  log("ticket.refused", { reason: "for another body", job: ticket.jobId });
  return refuse({ kind: "ticket_refused", reason: "for another body" });
}

/** Reads a body of at most `limitBytes`, whatever its Content-Length claims. */
async function readBody(
  request: Request,
  limitBytes: number,
): Promise<Result<Uint8Array<ArrayBuffer>, Failure>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) return refuse({ kind: "body_too_large", limitBytes });
    chunks.push(chunk);
  }
  return ok(new Uint8Array(Buffer.concat(chunks)));
}
