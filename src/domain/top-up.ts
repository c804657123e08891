import { type Micros, micros, ZERO } from "./micros.ts";

/** What a payment provider says of one payment. Each may come late, twice, or before what it is about. */
export type PaymentWord =
  | { readonly kind: "paid"; readonly amount: Micros }
  /** All that was given back of it so far, as one sum. */
  | { readonly kind: "refunded"; readonly total: Micros }
  /** One giving back, and whether it came to nothing. */
  | {
      readonly kind: "refund";
      readonly id: string;
      readonly amount: Micros;
      readonly isFailed: boolean;
    }
  /** The payer's bank takes it back (`open`), for good (`lost`), or had to return it (`won`). */
  | {
      readonly kind: "dispute";
      readonly id: string;
      readonly amount: Micros;
      readonly outcome: DisputeOutcome;
    };

export type DisputeOutcome = "open" | "lost" | "won";

/** All that was heard of one payment, as what it comes to: whatever came in which order, and how often. */
export interface PaymentState {
  readonly paid: Micros;
  readonly refundedTotal: Micros;
  readonly refunds: Readonly<
    Record<string, { readonly amount: Micros; readonly isFailed: boolean }>
  >;
  readonly disputes: Readonly<
    Record<string, { readonly amount: Micros; readonly outcome: DisputeOutcome }>
  >;
}

export const UNHEARD: PaymentState = {
  paid: ZERO,
  refundedTotal: ZERO,
  refunds: {},
  disputes: {},
};

/** A later one stands: a dispute is open until it is lost, and one that seemed lost may still be won. */
const OUTCOMES: readonly DisputeOutcome[] = ["open", "lost", "won"];

/** Adds a word to what was heard. Every part only ever rises, so that order and repetition make no difference. */
export function heard(state: PaymentState, word: PaymentWord): PaymentState {
  switch (word.kind) {
    case "paid":
      return { ...state, paid: larger(state.paid, word.amount) };
    case "refunded":
      return { ...state, refundedTotal: larger(state.refundedTotal, word.total) };
    case "refund": {
      const known = state.refunds[word.id] ?? { amount: ZERO, isFailed: false };
      const refund = {
        amount: larger(known.amount, word.amount),
        isFailed: known.isFailed || word.isFailed,
      };
      return { ...state, refunds: { ...state.refunds, [word.id]: refund } };
    }
    case "dispute": {
      const known = state.disputes[word.id] ?? { amount: ZERO, outcome: "open" };
      const dispute = {
        amount: larger(known.amount, word.amount),
        outcome:
          OUTCOMES.indexOf(word.outcome) > OUTCOMES.indexOf(known.outcome)
            ? word.outcome
            : known.outcome,
      };
      return { ...state, disputes: { ...state.disputes, [word.id]: dispute } };
    }
    default:
      return word satisfies never;
  }
}

/**
 * What a payment is worth as credit: what was paid, less what was given back and what a bank has taken or holds; never
 * less than nothing. Of refunds that were told as a sum and one by one the larger counts, less those that came to nothing.
 */
export function creditOf({ paid, refundedTotal, refunds, disputes }: PaymentState): Micros {
  const all = Object.values(refunds);
  const failed = sum(all.filter(({ isFailed }) => isFailed).map(({ amount }) => amount));
  const given = sum(all.map(({ amount }) => amount));
  const refunded = (refundedTotal > given ? refundedTotal : given) - failed;
  const taken = sum(
    Object.values(disputes)
      .filter(({ outcome }) => outcome !== "won")
      .map(({ amount }) => amount),
  );
  const left = paid - (refunded > 0n ? refunded : 0n) - taken;
  return left > 0n ? micros(left) : ZERO;
}

function larger(one: Micros, other: Micros): Micros {
  return one > other ? one : other;
}

function sum(amounts: readonly Micros[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
