import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { AccountTable } from "../accounts/account-store.ts";
import { ledgersMoved } from "../accounts/ledger-marks.ts";
import { type LedgerBinding, ledgerOf } from "../ledger/ledger-client.ts";
import { logFault } from "../log.ts";
import { type PaymentEvent, PaymentTable } from "./payment-store.ts";
import type { ProviderEvent } from "./provider.ts";

/** Where payments are booked. */
export type PaymentBindings = LedgerBinding & { readonly DB: D1Database };

/** What became of an event. */
export interface Booked {
  readonly state: "applied" | "parked" | "ignored";
  /** Whether a ledger had heard it before. */
  readonly isRepeat: boolean;
}

/**
 * Books an event of a provider: once it resolves the event is in its account's ledger, or is kept for the administrator to see.
 * Rejects only where neither is: the provider sends it again, and nothing is booked twice. `now` in milliseconds since 1970.
 */
export async function bookEvent(
  bindings: PaymentBindings,
  provider: string,
  { id, type, says }: ProviderEvent,
  now: number,
): Promise<Booked> {
  if (says.kind === "nothing") return { state: "ignored", isRepeat: false };
  const payments = new PaymentTable(bindings.DB);
  const kept = await payments.keep({
    id: `${provider}:${id}`,
    provider,
    type,
    paymentId: says.payment === null ? null : `${provider}:${says.payment}`,
    accountId: says.kind === "word" ? says.account : null,
    word: says.kind === "word" ? says.word : null,
    state: says.kind === "word" ? "received" : "parked",
    reason: says.kind === "word" ? null : says.reason,
    receivedAt: now,
  });
  if (kept.state === "applied") return { state: "applied", isRepeat: true };
  const owner = await ownerOf(bindings, payments, kept);
  if (!owner.ok) {
    await payments.park(kept.id, owner.refusal);
    return { state: "parked", isRepeat: false };
  }
  return { state: await applyAll(bindings, payments, kept, owner.value), isRepeat: false };
}

/** Says whose a parked event is, and books all that waited for that. Refuses what cannot be booked. */
export async function assignEvent(
  bindings: PaymentBindings,
  event: PaymentEvent,
  accountId: string,
): Promise<Result<void, Failure>> {
  const payments = new PaymentTable(bindings.DB);
  if (event.word === null || event.paymentId === null)
    return refused("", "says nothing that could be booked; grant the credit by hand");
  if ((await new AccountTable(bindings.DB).find(accountId)) === undefined)
    return refused("/account", "there is no such account");
  const owner = await payments.claim(event.paymentId, accountId);
  if (owner !== accountId) return refused("/account", `the payment is of account "${owner}"`);
  await applyAll(bindings, payments, event, accountId);
  return ok(undefined);
}

/** Has ledgers hear again what was kept of payments, `count` events behind a place: what each has heard changes nothing. Null: that was all. */
export async function hearAgain(
  bindings: PaymentBindings,
  after: number,
  count: number,
): Promise<number | null> {
  const payments = new PaymentTable(bindings.DB);
  const events = await payments.bookedBehind(after, count);
  for (const { event, owner } of events)
    try {
      await apply(bindings, payments, event, owner);
    } catch (cause) {
      // Its ledger could not be restored: a person looks at that one.
      logFault("a payment could not be heard again", event.id, cause);
    }
  const last = events.at(-1);
  return last === undefined || events.length < count ? null : last.place;
}

/** Whose credit an event moves. Refuses with why nobody knows. */
async function ownerOf(
  bindings: PaymentBindings,
  payments: PaymentTable,
  { paymentId, word, accountId }: PaymentEvent,
): Promise<Result<string, string>> {
  if (paymentId === null || word === null) return refuse("it was not understood");
  const known = await payments.ownerOf(paymentId);
  if (word.kind !== "paid")
    return known === undefined ? refuse("its payment is not known") : ok(known);
  if (accountId === null) return known === undefined ? refuse("it names no account") : ok(known);
  if ((await new AccountTable(bindings.DB).find(accountId)) === undefined)
    return refuse("there is no account of that name");
  const owner = await payments.claim(paymentId, accountId);
  return owner === accountId ? ok(owner) : refuse("its payment is another account's");
}

/**
 * Has the ledger hear an event, and all others of its payment that waited to be told whose it is. Events are kept before that is
 * looked up, and looked for after it is known, so that of two at once none is missed.
 */
async function applyAll(
  bindings: PaymentBindings,
  payments: PaymentTable,
  event: PaymentEvent,
  accountId: string,
): Promise<"applied" | "parked"> {
  const state = await apply(bindings, payments, event, accountId);
  for (const other of await payments.open(event.paymentId ?? ""))
    if (other.id !== event.id) await apply(bindings, payments, other, accountId);
  return state;
}

async function apply(
  bindings: PaymentBindings,
  payments: PaymentTable,
  { id, paymentId, word }: PaymentEvent,
  accountId: string,
): Promise<"applied" | "parked"> {
  if (paymentId === null || word === null) return "parked";
  const ledger = ledgerOf(bindings, accountId);
  const told = await ledger.hearPayment({ paymentId, word, eventId: id });
  if (told.ok) {
    await payments.applied(id, accountId);
    await ledgersMoved(bindings.DB, [accountId], Date.now()).run();
  }
  if (!told.ok) await payments.park(id, "it is more than can be counted");
  return told.ok ? "applied" : "parked";
}

function refused(pointer: string, message: string): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: [{ pointer, message }] });
}
