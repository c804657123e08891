import * as z from "zod";
import { type Page, type PageQuery, pageFields, pageSchema } from "../page.ts";
import { chosenIdSchema } from "./accounts.ts";
import { microsSchema } from "./limits-body.ts";

/** What a payment provider is told of its event. */
export interface PaymentReceivedBody {
  readonly object: "payment_received";
  /** `parked`: kept, and nobody knows yet whose it is · `ignored`: it is about nothing that moves credit. */
  readonly status: "applied" | "parked" | "ignored";
  /** Whether it was applied before: then nothing was done now. */
  readonly repeated: boolean;
}

/** An event of a payment provider as the administrator sees it. */
export interface PaymentEventBody {
  readonly id: string;
  readonly object: "payment_event";
  readonly provider: string;
  /** In the provider's words. */
  readonly type: string;
  readonly payment: string | null;
  readonly account: string | null;
  /** `received`: under way, or broken off and sent again. */
  readonly state: "received" | "parked" | "applied";
  /** Why it is parked. */
  readonly reason: string | null;
  /** Null where the event could not be understood. */
  readonly amount_micros: number | null;
  readonly received_at: string;
}

export interface PaymentEventQuery extends PageQuery {
  readonly state?: "received" | "parked" | "applied" | undefined;
}

export interface AssignPaymentBody {
  readonly account: string;
}

const state = z.enum(["received", "parked", "applied"]);

export const paymentReceivedSchema: z.ZodType<PaymentReceivedBody> = z
  .strictObject({
    object: z.literal("payment_received"),
    status: z.enum(["applied", "parked", "ignored"]),
    repeated: z.boolean(),
  })
  .meta({ id: "PaymentReceived" });

export const paymentEventSchema: z.ZodType<PaymentEventBody> = z
  .strictObject({
    id: z.string(),
    object: z.literal("payment_event"),
    provider: z.string(),
    type: z.string(),
    payment: z.string().nullable(),
    account: z.string().nullable(),
    state,
    reason: z.string().nullable(),
    amount_micros: microsSchema.nullable(),
    received_at: z.iso.datetime(),
  })
  .meta({ id: "PaymentEvent" });

export const paymentEventListSchema: z.ZodType<Page<PaymentEventBody>> = pageSchema(
  paymentEventSchema,
  "PaymentEventList",
);

export const paymentEventQuerySchema: z.ZodType<PaymentEventQuery> = z.strictObject({
  state: state.optional(),
  ...pageFields,
});

export const assignPaymentSchema: z.ZodType<AssignPaymentBody> = z
  .strictObject({ account: chosenIdSchema })
  .meta({ id: "AssignPayment" });

/** Schema of a provider's event, for the API's description: what is read of it is checked when it is known to be the provider's. */
export const providerEventSchema: z.ZodType = z
  .looseObject({ id: z.string(), type: z.string() })
  .meta({ id: "ProviderEvent" });
