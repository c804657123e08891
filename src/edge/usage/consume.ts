import {
  type ChargeEvent,
  type QueuedEvent,
  queuedEventSchema,
  type RefundEvent,
} from "#wire/function/usage-event.ts";
import { AccountTable } from "../accounts/account-store.ts";
import { ledgersMoved } from "../accounts/ledger-marks.ts";
import { AnswerIndex } from "../answers/storage/answer-index.ts";
import type { Bindings } from "../env.ts";
import { logFault } from "../log.ts";
import { settingsOf } from "../settings.ts";
import { erasedAmong } from "../storage/erased-ids.ts";
import { type MeterExport, stripeExport } from "./meter-export.ts";
import { MetricTables } from "./metric-tables.ts";
import { RefusalIndex } from "./refusal-index.ts";
import { UsageIndex } from "./usage-index.ts";

/**
 * Copies a batch of usage into D1, lists the answers that were charged, and, where that is set up, on to the billing system. Everything may come twice and
 * does no harm. What cannot be read or copied is delivered again and in the end kept in the dead letter queue.
 */
export async function consumeUsage(
  batch: MessageBatch<unknown>,
  bindings: Bindings,
): Promise<void> {
  const readable: { readonly message: Message<unknown>; readonly event: QueuedEvent }[] = [];
  for (const message of batch.messages) {
    const event = queuedEventSchema.safeParse(message.body);
    if (event.success) readable.push({ message, event: event.data });
    else {
      logFault("a message of the usage queue is no usage", message.id, event.error);
      message.retry();
    }
  }
  if (readable.length === 0) return;
  const usage = new UsageIndex(bindings.DB);
  const erased = await erasedAmong(
    bindings.DB,
    readable.map(({ event }) => event.account),
  );
  // Of an account that was erased meanwhile nothing is copied; its charges are billed all the same.
  const kept = readable.filter(({ event }) => !erased.has(event.account));
  const charges = kept.flatMap(({ event }) => ("steps" in event ? [event] : []));
  const refusals = kept.flatMap(({ event }) => ("code" in event ? [event] : []));
  const metrics = kept.flatMap(({ event }) => ("kind" in event ? [event] : []));
  const ends = await new AnswerIndex(bindings.DB).ends(charges);
  // All or none.
  const counts = new RefusalIndex(bindings.DB).copies(refusals);
  const told = new MetricTables(bindings.DB).copies(metrics);
  const moved = kept.flatMap(({ event }) => (hasMoved(event) ? [event.account] : []));
  const marks = moved.length === 0 ? [] : [ledgersMoved(bindings.DB, moved, Date.now())];
  const copies = [...usage.copies(charges), ...ends, ...counts, ...told, ...marks];
  if (copies.length > 0) await bindings.DB.batch(copies);
  const { stripe } = settingsOf(bindings);
  const sink = stripe === undefined ? undefined : stripeExport(stripe);
  for (const { message, event } of readable) {
    try {
      if ("refund_of" in event) {
        if (!erased.has(event.account)) await lower(event, usage);
      }
      // Refunds are not: a meter only counts up. An operator who writes invoices from it credits refunds there.
      else if (sink !== undefined && "steps" in event) await exportCharge(event, sink, bindings);
      message.ack();
    } catch (cause) {
      logFault("usage could not be copied or exported and will be tried again", event.id, cause);
      message.retry();
    }
  }
}

/** Whether the ledger of its account has other entries since. */
function hasMoved(event: QueuedEvent): boolean {
  return "steps" in event || "refund_of" in event || ("kind" in event && event.kind === "standing");
}

async function lower(event: RefundEvent, usage: UsageIndex): Promise<void> {
  if (!(await usage.lower(event)))
    throw new Error(`the charge of ${event.refund_of} has not been copied yet`);
}

async function exportCharge(
  { id, account, micros, at }: ChargeEvent,
  sink: MeterExport,
  { DB }: Bindings,
): Promise<void> {
  if (micros === 0) return;
  const customerId = (await new AccountTable(DB).find(account))?.stripeCustomerId ?? null;
  if (customerId !== null) await sink.send({ id, customerId, micros, at });
}
