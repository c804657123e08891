import * as z from "zod";
import { type Problem, problemSchema } from "../../error.ts";
import { type Page, pageFields, pageSchema } from "../page.ts";
import { type AnswerBody, type AnswerStatus, answerSchema } from "./responses.ts";

/** Body of a batch. */
export interface BatchBody {
  readonly id: string;
  readonly object: "batch";
  readonly status: BatchStatus;
  readonly counts: BatchCounts;
  /** What the items may cost together. Items that could not be asked cost nothing. */
  readonly quoted_micros: number;
  /** Sum of the items' charges; 0 until the batch has ended. */
  readonly charged_micros: number;
  /** RFC 3339, UTC. */
  readonly created_at: string;
  /** Null before its end. */
  readonly ended_at: string | null;
}

/** `queued` nothing has begun · `running` · `completed` every item has ended · `cancelled` it was told to stop, and every item has ended. */
export type BatchStatus = "queued" | "running" | "completed" | "cancelled";

export interface BatchCounts {
  readonly total: number;
  readonly completed: number;
  readonly partial: number;
  readonly failed: number;
  readonly cancelled: number;
}

/** What became of one item. */
export interface BatchResultBody {
  readonly custom_id: string | null;
  /** Place in the request, from 0. */
  readonly index: number;
  /** `queued` it waits · `cancelled` also where it never ran. */
  readonly status: AnswerStatus;
  /** Null for an item that has not ended, or was never asked. */
  readonly answer: AnswerBody | null;
  /** Why it failed; null for any other. */
  readonly error: Problem | null;
}

/** Fields of a list of batches or results. */
export interface BatchListQuery {
  readonly limit: number;
  readonly after?: string | undefined;
}

const count = z.int().nonnegative();

/** Schemas of the bodies above, for the API's description and for tests that hold replies to it. */
export const batchSchema: z.ZodType<BatchBody> = z
  .strictObject({
    id: z.string(),
    object: z.literal("batch"),
    status: z.enum(["queued", "running", "completed", "cancelled"]),
    counts: z.strictObject({
      total: count,
      completed: count,
      partial: count,
      failed: count,
      cancelled: count,
    }),
    quoted_micros: count,
    charged_micros: count,
    created_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "Batch" });

export const batchListSchema: z.ZodType<Page<BatchBody>> = pageSchema(batchSchema, "BatchList");

export const batchResultsSchema: z.ZodType<Page<BatchResultBody>> = pageSchema(
  z
    .strictObject({
      custom_id: z.string().nullable(),
      index: count,
      status: z
        .enum(["queued", "running", "completed", "partial", "failed", "cancelled"])
        .meta({ description: "`cancelled` also of an item that never ran." }),
      answer: answerSchema.nullable(),
      error: problemSchema.nullable(),
    })
    .meta({ id: "BatchResult" }),
  "BatchResultList",
);

export const batchListQuerySchema: z.ZodType<BatchListQuery> = z.strictObject({
  limit: pageFields.limit,
  after: pageFields.after,
});
