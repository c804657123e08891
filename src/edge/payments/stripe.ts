import * as z from "zod";
import { type Micros, micros } from "#domain/micros.ts";
import type { DisputeOutcome, PaymentWord } from "#domain/top-up.ts";
import type { TopUpSettings } from "../settings.ts";
import type { PaymentProvider, ProviderEvent } from "./provider.ts";
import { verifyStripe } from "./stripe-signature.ts";

/** Micro-dollars in a cent. */
const CENT = 10_000;

/** Beyond what can be counted. A hundred million dollars, in cents. */
const MAX_CENTS = 10_000_000_000;

const id = z.string().min(1).max(128);
const cents = z.int().min(0).max(MAX_CENTS);
const money = { payment_intent: id, currency: z.string() };

const eventSchema = z.object({
  id,
  type: z.string().min(1).max(64),
  data: z.object({ object: z.looseObject({}) }),
});

const checkoutSchema = z.object({
  ...money,
  client_reference_id: z.string().max(256).nullable(),
  amount_total: cents,
  payment_status: z.string(),
});
const chargeSchema = z.object({ ...money, amount_refunded: cents });
const refundSchema = z.object({ ...money, id, amount: cents, status: z.string() });
const disputeSchema = z.object({ ...money, id, amount: cents, status: z.string() });

/** What was read of an object: the word, and whose it is. Undefined: no money has moved. */
interface Read {
  readonly word: PaymentWord;
  readonly account: string | null;
}

/** What is made of each type of event. Source: docs.stripe.com/api/events/types. */
const readers: Readonly<Record<string, Reader>> = {
  "checkout.session.completed": readAs(checkoutSchema, readCheckout),
  "checkout.session.async_payment_succeeded": readAs(checkoutSchema, readCheckout),
  "charge.refunded": readAs(chargeSchema, ({ amount_refunded }) => ({
    account: null,
    word: { kind: "refunded", total: fromCents(amount_refunded) },
  })),
  "refund.created": readAs(refundSchema, readRefund),
  "refund.updated": readAs(refundSchema, readRefund),
  "refund.failed": readAs(refundSchema, readRefund),
  "charge.refund.updated": readAs(refundSchema, readRefund),
  "charge.dispute.created": readAs(disputeSchema, (dispute) => readDispute(dispute)),
  "charge.dispute.updated": readAs(disputeSchema, (dispute) => readDispute(dispute)),
  "charge.dispute.closed": readAs(disputeSchema, (dispute) => readDispute(dispute)),
  "charge.dispute.funds_withdrawn": readAs(disputeSchema, (dispute) => readDispute(dispute)),
  "charge.dispute.funds_reinstated": readAs(disputeSchema, (dispute) =>
    readDispute({ ...dispute, status: "won" }),
  ),
};

/** Stripe, as a seller sets it up: a payment link, and a webhook endpoint with its secret. */
export function stripeProvider({ url, secret }: TopUpSettings): PaymentProvider {
  return {
    name: "stripe",
    checkoutUrl: (accountId) => {
      const checkout = new URL(url);
      checkout.searchParams.set("client_reference_id", accountId);
      return checkout.href;
    },
    verify: async (headers, body, now) =>
      await verifyStripe(headers.get("stripe-signature"), body, secret, now),
    read: (body) => {
      const event = eventSchema.safeParse(body);
      if (!event.success) return undefined;
      const { id: eventId, type, data } = event.data;
      const says = readers[type]?.(data.object) ?? { kind: "nothing" };
      return { id: eventId, type, says };
    },
  };
}

type Reader = (object: Readonly<Record<string, unknown>>) => ProviderEvent["says"];

function readAs<Fields extends { readonly payment_intent: string; readonly currency: string }>(
  schema: z.ZodType<Fields>,
  read: (fields: Fields) => Read | undefined,
): Reader {
  return (object) => {
    const fields = schema.safeParse(object);
    if (!fields.success) {
      const { payment_intent: payment } = object;
      const [issue] = fields.error.issues;
      const reason = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is not understood"}`;
      return { kind: "unclear", reason, payment: typeof payment === "string" ? payment : null };
    }
    const { payment_intent: payment, currency } = fields.data;
    const found = read(fields.data);
    if (found === undefined) return { kind: "nothing" };
    // What another currency is worth is the seller's to say: credit is dollars.
    if (currency !== "usd")
      return {
        kind: "unclear",
        reason: `the currency is ${currency.slice(0, 8)}, not usd`,
        payment,
      };
    return { kind: "word", payment, ...found };
  };
}

/** A delayed method is paid later, which is told by an event of its own. */
function readCheckout(checkout: z.infer<typeof checkoutSchema>): Read | undefined {
  if (checkout.payment_status !== "paid" || checkout.amount_total === 0) return undefined;
  return {
    account: checkout.client_reference_id,
    word: { kind: "paid", amount: fromCents(checkout.amount_total) },
  };
}

function readRefund({ id: refund, amount, status }: z.infer<typeof refundSchema>): Read {
  const isFailed = status === "failed" || status === "canceled";
  const word = { kind: "refund", id: refund, amount: fromCents(amount), isFailed } as const;
  return { account: null, word };
}

/** What a bank only asks about (`warning_…`) has moved no money, nor has what was prevented. */
const OUTCOMES: Readonly<Record<string, DisputeOutcome>> = {
  needs_response: "open",
  under_review: "open",
  lost: "lost",
  won: "won",
};

function readDispute({
  id: dispute,
  amount,
  status,
}: z.infer<typeof disputeSchema>): Read | undefined {
  const outcome = OUTCOMES[status];
  if (outcome === undefined) return undefined;
  return {
    account: null,
    word: { kind: "dispute", id: dispute, amount: fromCents(amount), outcome },
  };
}

function fromCents(amount: number): Micros {
  return micros(amount * CENT);
}
