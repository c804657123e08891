import { TICKET_LIFETIME_SECONDS } from "#wire/function/ticket.ts";

/** Remembers which tickets were used, so that one that is caught on the way buys no second run. */
export interface TicketLog {
  /** Says whether this ticket is seen for the first time. */
  readonly admit: (ticketId: string) => boolean;
}

/** A ticket is refused for its age after this; twice its life covers the clocks' difference. */
const MEMORY_MS = TICKET_LIFETIME_SECONDS * 2_000;

/** @param now clock in milliseconds */
export function createTicketLog(now: () => number): TicketLog {
  // A Map keeps the order of insertion, so the oldest stand first and are dropped from there.
  const seenMs = new Map<string, number>();
  return {
    admit: (ticketId) => {
      const time = now();
      for (const [oldest, seenAtMs] of seenMs) {
        if (time - seenAtMs < MEMORY_MS) break;
        seenMs.delete(oldest);
      }
      if (seenMs.has(ticketId)) return false;
      seenMs.set(ticketId, time);
      return true;
    },
  };
}
