import { micros, toNumber } from "#domain/micros.ts";
import { type Rebooked, type RebookFault, rebook } from "#domain/rebook.ts";
import { ok, type Result } from "#domain/result.ts";
import type { ExportedLine, LedgerRest } from "../../ledger/backup/ledger-backup.ts";
import type { Checkpoint } from "../formats.ts";

/** Before the first line of a book. */
export function unbooked(book: string, timeline: number): Checkpoint {
  const balances = { issuer: 0, available: 0, held: 0, revenue: 0 };
  return { book, timeline, seq: 0, head: null, balances, open: {} };
}

/** Books the lines of a segment again behind a checkpoint. `head`: the segment's digest. */
export function bookedOn(
  from: Checkpoint,
  lines: readonly ExportedLine[],
  head: string,
): Result<Checkpoint, RebookFault> {
  const { issuer, available, held, revenue } = from.balances;
  const before: Rebooked = {
    seq: from.seq,
    balances: {
      issuer: micros(issuer),
      available: micros(available),
      held: micros(held),
      revenue: micros(revenue),
    },
    open: new Map(Object.entries(from.open).map(([hold, amount]) => [hold, micros(amount)])),
  };
  const booked = rebook(
    before,
    lines.map(({ amount, available, ...line }) => ({
      ...line,
      amount: micros(amount),
      available: micros(available),
    })),
  );
  if (!booked.ok) return booked;
  const { seq, balances, open } = booked.value;
  return ok({
    ...from,
    seq,
    head,
    balances: {
      issuer: toNumber(balances.issuer),
      available: toNumber(balances.available),
      held: toNumber(balances.held),
      revenue: toNumber(balances.revenue),
    },
    open: Object.fromEntries([...open].map(([hold, amount]) => [hold, toNumber(amount)])),
  });
}

/** Whether what the lines come to is what the ledger itself says, and what is held is what holds hold. */
export function agrees(
  { seq, balances, open }: Pick<Checkpoint, "seq" | "balances" | "open">,
  told: Pick<LedgerRest, "seq" | "balances">,
): boolean {
  const inHolds = Object.values(open).reduce((sum, amount) => sum + amount, 0);
  return (
    seq === told.seq &&
    balances.issuer === told.balances.issuer &&
    balances.available === told.balances.available &&
    balances.held === told.balances.held &&
    balances.revenue === told.balances.revenue &&
    inHolds === balances.held
  );
}
