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
import { retryDelaySeconds } from "./retry-delay.ts";
import { UsageIndex } from "./usage-index.ts";

/** Messages that are finished at one time: six connections are open at once, and a billing system that hangs takes ten seconds for each. */
const FINISHED_AT_ONCE = 6;

interface Readable {
  readonly message: Message<unknown>;
  readonly event: QueuedEvent;
}

/**
 * Copies a batch of usage into D1, lists the answers that were charged, and, where that is set up, on to the billing system. Everything may come twice and
 * does no harm. What cannot be read or copied is delivered again, later from attempt to attempt, and in the end kept in the dead letter queue.
 */
export async function consumeUsage(
  batch: MessageBatch<unknown>,
  bindings: Bindings,
): Promise<void> {
  const readable = batch.messages.flatMap((message): readonly Readable[] => {
    const event = queuedEventSchema.safeParse(message.body);
    if (event.success) return [{ message, event: event.data }];
    logFault("a message of the usage queue is no usage", message.id, event.error);
    again(message);
    return [];
  });
  if (readable.length === 0) return;
  try {
    const erased = await copy(readable, bindings);
    await finish(readable, erased, bindings);
  } catch (cause) {
    const first = readable[0]?.event.id ?? "";
    logFault("usage could not be copied and will be tried again", first, cause);
    for (const { message } of readable) again(message);
  }
}

function again(message: Message<unknown>): void {
  message.retry({ delaySeconds: retryDelaySeconds(message.attempts) });
}

/** Copies all or none; tells which of the accounts are erased. */
async function copy(readable: readonly Readable[], { DB }: Bindings): Promise<ReadonlySet<string>> {
  const usage = new UsageIndex(DB);
  const erased = await erasedAmong(
    DB,
    readable.map(({ event }) => event.account),
  );
  // Of an account that was erased meanwhile nothing is copied; its charges are billed all the same.
  const kept = readable.filter(({ event }) => !erased.has(event.account));
  const charges = kept.flatMap(({ event }) => ("steps" in event ? [event] : []));
  const refusals = kept.flatMap(({ event }) => ("code" in event ? [event] : []));
  const metrics = kept.flatMap(({ event }) => ("kind" in event ? [event] : []));
  const ends = await new AnswerIndex(DB).ends(charges);
  const counts = new RefusalIndex(DB).copies(refusals);
  const told = new MetricTables(DB).copies(metrics);
  const moved = kept.flatMap(({ event }) => (hasMoved(event) ? [event.account] : []));
  const marks = moved.length === 0 ? [] : [ledgersMoved(DB, moved, Date.now())];
  const copies = [...usage.copies(charges), ...ends, ...counts, ...told, ...marks];
  if (copies.length > 0) await DB.batch(copies);
  return erased;
}

/** Lowers usage by refunds and exports charges, each message by itself. */
async function finish(
  readable: readonly Readable[],
  erased: ReadonlySet<string>,
  bindings: Bindings,
): Promise<void> {
  const usage = new UsageIndex(bindings.DB);
  const { stripe } = settingsOf(bindings);
  const sink = stripe === undefined ? undefined : stripeExport(stripe);
  const one = async ({ message, event }: Readable): Promise<void> => {
    try {
      if ("refund_of" in event) {
        if (!erased.has(event.account)) await lower(event, usage);
      }
      // Refunds are not: a meter only counts up. An operator who writes invoices from it credits refunds there.
      else if (sink !== undefined && "steps" in event) await exportCharge(event, sink, bindings);
      message.ack();
    } catch (cause) {
      logFault("usage could not be copied or exported and will be tried again", event.id, cause);
      again(message);
    }
  };
  for (let start = 0; start < readable.length; start += FINISHED_AT_ONCE)
    await Promise.all(readable.slice(start, start + FINISHED_AT_ONCE).map(one));
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
