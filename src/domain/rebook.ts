import { type Balances, type EntryKind, post } from "./ledger.ts";
import { add, type Micros, subtract, ZERO } from "./micros.ts";
import { ok, type Result, refuse } from "./result.ts";

/** A line of a ledger, as far as money goes. */
export interface BookedLine {
  /** From 1, rising by one. */
  readonly seq: number;
  readonly kind: EntryKind;
  readonly amount: Micros;
  readonly holdId: string | null;
  /** What the ledger said could be spent after it. */
  readonly available: Micros;
}

/** How far a ledger has been booked again, and what came of it. */
export interface Rebooked {
  /** Of the last line; 0 before the first. */
  readonly seq: number;
  readonly balances: Balances;
  /** What is still held, by hold; nothing else is. */
  readonly open: ReadonlyMap<string, Micros>;
}

/** Before the first line. */
export const UNBOOKED: Rebooked = {
  seq: 0,
  balances: { issuer: ZERO, available: ZERO, held: ZERO, revenue: ZERO },
  open: new Map(),
};

/** The first line that cannot be, and why. */
export interface RebookFault {
  readonly seq: number;
  /**
   * `out_of_order`: a line is missing, or is there twice · `against_the_rules`: no ledger would have booked it · `more_than_held`:
   * it closes more of a hold than is open · `available_differs`: the ledger said otherwise what can be spent after it
   */
  readonly fault: "out_of_order" | "against_the_rules" | "more_than_held" | "available_differs";
}

/** Books lines again by the rules that booked them, from where an earlier call came to. Refuses with the first that cannot be. */
export function rebook(from: Rebooked, lines: Iterable<BookedLine>): Result<Rebooked, RebookFault> {
  let { seq, balances } = from;
  const open = new Map(from.open);
  for (const line of lines) {
    const fault = (what: RebookFault["fault"]): Result<never, RebookFault> =>
      refuse({ seq: line.seq, fault: what });
    if (line.seq !== seq + 1) return fault("out_of_order");
    const posted = posting(balances, line);
    if (posted === null) return fault("against_the_rules");
    if (!moveHold(open, line)) return fault("more_than_held");
    if (posted.available !== line.available) return fault("available_differs");
    ({ seq } = line);
    balances = posted;
  }
  return ok({ seq, balances, open });
}

function posting(balances: Balances, { kind, amount }: BookedLine): Balances | null {
  try {
    const posted = post(balances, { kind, amount });
    return posted.ok ? posted.value : null;
  } catch (cause) {
    // A book that would fall below zero: here what is read is to be doubted, not the code.
    if (cause instanceof RangeError) return null;
    throw cause;
  }
}

/** Opens, lowers or closes the hold of a line; false where it takes more than is open. */
function moveHold(open: Map<string, Micros>, { kind, amount, holdId }: BookedLine): boolean {
  if (holdId === null || (kind !== "hold" && kind !== "capture" && kind !== "release")) return true;
  const held = open.get(holdId) ?? ZERO;
  const left = kind === "hold" ? add(held, amount) : subtract(held, amount);
  if (left < ZERO) return false;
  if (left === ZERO) open.delete(holdId);
  else open.set(holdId, left);
  return true;
}
