import { z } from "zod";
import { MAX_BATCH_ITEMS, MAX_CANVAS, MAX_NAME_LENGTH } from "./limits.ts";

/** What was charged for one answer or one batch, as it goes through the queue: at least once, so readers deduplicate by `id`. */
export interface UsageEvent {
  /** The answer's or the batch's id. */
  readonly id: string;
  readonly account: string;
  readonly key: string;
  readonly model: string;
  readonly micros: number;
  /** Steps that ran. */
  readonly steps: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const name = z.string().min(1).max(MAX_NAME_LENGTH);
const count = z.int().nonnegative();

/** Members that a newer ledger adds are dropped. */
export const usageEventSchema: z.ZodType<UsageEvent> = z.object({
  id: name,
  account: name,
  key: name,
  model: name,
  micros: count,
  steps: count.max(MAX_CANVAS * MAX_BATCH_ITEMS),
  at: count,
});
