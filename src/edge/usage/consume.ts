import { type UsageEvent, usageEventSchema } from "#wire/usage-event.ts";
import { AccountTable } from "../accounts/account-store.ts";
import { type Bindings, settingsOf } from "../env.ts";
import { logFault } from "../log.ts";
import { type MeterExport, stripeExport } from "./meter-export.ts";
import { UsageTable } from "./usage-table.ts";

/**
 * Copies a batch of usage into D1 and, where that is set up, on to the billing system. Everything may come twice and
 * does no harm. What cannot be read or copied is delivered again and in the end kept in the dead letter queue.
 */
export async function consumeUsage(
  batch: MessageBatch<unknown>,
  bindings: Bindings,
): Promise<void> {
  const readable: { readonly message: Message<unknown>; readonly event: UsageEvent }[] = [];
  for (const message of batch.messages) {
    const event = usageEventSchema.safeParse(message.body);
    if (event.success) readable.push({ message, event: event.data });
    else {
      logFault("a message of the usage queue is no usage", message.id, event.error);
      message.retry();
    }
  }
  if (readable.length === 0) return;
  await new UsageTable(bindings.DB).append(readable.map(({ event }) => event));
  const { stripe } = settingsOf(bindings);
  const sink = stripe === undefined ? undefined : stripeExport(stripe);
  for (const { message, event } of readable) {
    try {
      if (sink !== undefined) await exportCharge(event, sink, bindings);
      message.ack();
    } catch (cause) {
      logFault("a charge could not be exported and will be tried again", event.id, cause);
      message.retry();
    }
  }
}

async function exportCharge(
  { id, account, micros, at }: UsageEvent,
  sink: MeterExport,
  { DB }: Bindings,
): Promise<void> {
  if (micros === 0) return;
  const customerId = (await new AccountTable(DB).find(account))?.stripeCustomerId ?? null;
  if (customerId !== null) await sink.send({ id, customerId, micros, at });
}
