import * as z from "zod";
import type { NoticeType } from "#domain/notice.ts";
import { MAX_DELIVERY_BYTES, MAX_RESPONSE_BYTES, MAX_URL_LENGTH } from "../../function/fetch.ts";
import { type Page, type PageQuery, pageFields, pageSchema } from "../page.ts";
import { noticeTypeSchema } from "./notices.ts";

/** A delivery; where it is shown alone, with its body and its attempts. */
export interface DeliveryBody {
  readonly id: string;
  readonly object: "webhook_delivery";
  /** Which notice: the `webhook-id`. */
  readonly notice: string;
  readonly event: NoticeType;
  /** Null where the request named its own address. */
  readonly endpoint: string | null;
  readonly url: string;
  readonly status: "waiting" | "delivered" | "failed";
  readonly attempt_count: number;
  readonly created_at: string;
  readonly next_attempt_at: string | null;
  /** The JSON text that is sent, to the byte; null where it is no longer kept. */
  readonly body?: string | null;
  readonly attempts?: readonly AttemptBody[];
}

export interface AttemptBody {
  readonly number: number;
  readonly at: string;
  readonly duration_ms: number;
  /** HTTP status of the receiver; null where there was none. */
  readonly status: number | null;
  /** Where a redirect pointed to, which is never followed. */
  readonly location: string | null;
  /** What went wrong where there is no status. */
  readonly failure: string | null;
  /** Seconds after which the receiver asked for the next attempt, by `Retry-After`; null where it did not. */
  readonly retry_after: number | null;
  /**
   * How the receiver's response begins: at most 1,024 bytes as text, what is none replaced by U+FFFD. Untrusted: show it as text,
   * never as HTML. Null where there was no response, it is not known, or a client token asks.
   */
  readonly response: string | null;
}

export interface DeliveryListQuery extends PageQuery {
  readonly endpoint?: string | undefined;
  readonly status?: "waiting" | "delivered" | "failed" | undefined;
  readonly event?: NoticeType | undefined;
}

/** Body of `POST /v1/webhook_deliveries/redeliver`. Times are RFC 3339. */
export interface RedeliverBody {
  readonly endpoint?: string;
  readonly status?: "waiting" | "delivered" | "failed";
  readonly since: string;
  /** Now, when absent. */
  readonly until?: string;
}

export interface RedeliveredBody {
  readonly object: "redelivery";
  readonly count: number;
}

const id = z.string().min(1).max(64);
const url = z.string().max(MAX_URL_LENGTH);
const status = z.enum(["waiting", "delivered", "failed"]);
const count = z.int().nonnegative();
const time = z.iso.datetime();

export const deliverySchema: z.ZodType<DeliveryBody> = z
  .strictObject({
    id,
    object: z.literal("webhook_delivery"),
    notice: id,
    event: noticeTypeSchema,
    endpoint: id.nullable(),
    url,
    status,
    attempt_count: count,
    created_at: time,
    next_attempt_at: time.nullable(),
    body: z.string().max(MAX_DELIVERY_BYTES).nullable().exactOptional(),
    attempts: z
      .array(
        z.strictObject({
          number: count,
          at: time,
          duration_ms: z.number().nonnegative(),
          status: z.int().nullable(),
          location: z.string().nullable(),
          failure: z.string().nullable(),
          retry_after: count.nullable(),
          response: z.string().max(MAX_RESPONSE_BYTES).nullable(),
        }),
      )
      .exactOptional(),
  })
  .meta({ id: "WebhookDelivery" });

export const deliveryListSchema: z.ZodType<Page<DeliveryBody>> = pageSchema(
  deliverySchema,
  "WebhookDeliveryList",
);

export const deliveryListQuerySchema: z.ZodType<DeliveryListQuery> = z.strictObject({
  ...pageFields,
  endpoint: id.optional(),
  status: status.optional(),
  event: noticeTypeSchema.optional(),
});

export const redeliverSchema: z.ZodType<RedeliverBody> = z
  .strictObject({
    endpoint: id.exactOptional(),
    status: status.exactOptional(),
    since: time,
    until: time.exactOptional(),
  })
  .meta({ id: "RedeliverWebhooks" });

export const redeliveredSchema: z.ZodType<RedeliveredBody> = z
  .strictObject({ object: z.literal("redelivery"), count })
  .meta({ id: "RedeliveredWebhooks" });
