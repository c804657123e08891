import type { StripeSettings } from "../settings.ts";

/** What an account was charged for one answer, for the invoice that Stripe writes. */
export interface MeterEvent {
  /** The same event sent twice is counted once. */
  readonly id: string;
  readonly customerId: string;
  readonly micros: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Takes charges to a billing system. Resolves when it has them; rejects where it is worth trying again. */
export interface MeterExport {
  send(event: MeterEvent): Promise<void>;
}

/** A billing system that takes longer than this is tried again with the next delivery. */
const TIMEOUT_MS = 10_000;

/**
 * Exports to Stripe's billing meters; the meter counts micro-dollars.
 * Source: Stripe API reference, "Create a billing meter event": values are whole numbers, timestamps seconds, and equal
 * identifiers are counted once within at least 24 hours, which is longer than a message is retried.
 */
export function stripeExport({ key, meter, baseUrl }: StripeSettings): MeterExport {
  return {
    send: async ({ id, customerId, micros, at }) => {
      const response = await fetch(`${baseUrl}/v1/billing/meter_events`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "idempotency-key": id },
        body: new URLSearchParams({
          event_name: meter,
          identifier: id,
          timestamp: String(Math.floor(at / 1000)),
          "payload[stripe_customer_id]": customerId,
          "payload[value]": String(micros),
        }),
        redirect: "manual",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      if (!response.ok)
        throw new Error(`exporting meter event ${id}: Stripe answered ${response.status}`);
    },
  };
}
