import * as z from "zod";
import { MAX_BATCH_ITEMS, MAX_CANVAS, MAX_NAME_LENGTH, MAX_OWNER_LENGTH } from "../limits.ts";
import { type FieldCount, fieldCountsSchema } from "../telemetry/field-counts.ts";
import { type MetricEvent, metricEventSchema } from "../telemetry/metric-event.ts";

/** What was charged or given back, as it goes through the queue: at least once and in any order, so readers deduplicate by `id`. */
export type UsageEvent = ChargeEvent | RefundEvent;

/** What else goes through that queue. */
export type QueuedEvent = UsageEvent | RefusalEvent | MetricEvent;

/** How often a key was refused with a code, since the Worker that counts said so last. */
export interface RefusalEvent {
  readonly id: string;
  readonly account: string;
  readonly key: string;
  readonly code: string;
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What was charged for one answer or one batch. */
export interface ChargeEvent {
  /** The answer's or the batch's id. */
  readonly id: string;
  readonly account: string;
  readonly key: string;
  readonly model: string;
  readonly micros: number;
  /** Steps that ran. */
  readonly steps: number;
  /** How many answers it was for; one when absent: a ledger of before did not say. */
  readonly answers?: number;
  /** For which client token or subject it was; absent for the key itself. */
  readonly owner?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** How the list of answers is to tell it; absent where it is no answer, or its object lists it by itself. */
  readonly listed?: ListedEnd;
}

/** How an answer stands in the list once it has ended. Times are milliseconds since 1970. */
export interface ListedEnd {
  readonly status: "completed" | "partial" | "cancelled" | "failed";
  readonly created_at: number;
  readonly ended_at: number;
  /** How its fields came out; absent of one that has none, or was not told as an answer. */
  readonly fields?: readonly FieldCount[];
}

/** What was given back of a charge. */
export interface RefundEvent {
  readonly id: string;
  readonly account: string;
  /** Id of the charge. */
  readonly refund_of: string;
  readonly micros: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const name = z.string().min(1).max(MAX_NAME_LENGTH);
const count = z.int().nonnegative();

const chargeSchema: z.ZodType<ChargeEvent> = z.object({
  id: name,
  account: name,
  key: name,
  model: name,
  micros: count,
  steps: count.max(MAX_CANVAS * MAX_BATCH_ITEMS),
  answers: count.max(MAX_BATCH_ITEMS).exactOptional(),
  owner: z.string().min(1).max(MAX_OWNER_LENGTH).exactOptional(),
  at: count,
  listed: z
    .object({
      status: z.enum(["completed", "partial", "cancelled", "failed"]),
      created_at: count,
      ended_at: count,
      fields: fieldCountsSchema.exactOptional(),
    })
    .exactOptional(),
});

const refundSchema: z.ZodType<RefundEvent> = z.object({
  // An account and an id of the administrator's beside each other.
  id: z
    .string()
    .min(1)
    .max(2 * MAX_NAME_LENGTH + 1),
  account: name,
  refund_of: name,
  micros: count,
  at: count,
});

const refusalSchema: z.ZodType<RefusalEvent> = z.object({
  id: name,
  account: name,
  key: name,
  code: name,
  count,
  at: count,
});

/** Members that a newer ledger adds are dropped. */
export const queuedEventSchema: z.ZodType<QueuedEvent> = z.union([
  metricEventSchema,
  refundSchema,
  chargeSchema,
  refusalSchema,
]);
