import * as z from "zod";
import { type Page, type PageQuery, pageFields, pageSchema } from "../page.ts";
import type { AnswerStatus } from "./responses.ts";

/** Query of `GET /v1/answers`. */
export interface AnswerListQuery extends PageQuery {
  readonly status?: AnswerStatus | undefined;
}

/** An answer in a list, without its text: `GET /v1/answers/{id}` has that. */
export interface AnswerSummaryBody {
  readonly id: string;
  readonly object: "answer_summary";
  readonly status: AnswerStatus;
  readonly model: string;
  readonly key: string;
  readonly charged_micros: number;
  readonly created_at: string;
  readonly ended_at: string | null;
}

/** Renders a line of the list. Times are milliseconds since 1970. */
export function answerSummary(answer: {
  readonly id: string;
  readonly status: AnswerStatus;
  readonly model: string;
  readonly keyId: string;
  readonly chargedMicros: number;
  readonly createdAt: number;
  readonly endedAt: number | null;
}): AnswerSummaryBody {
  return {
    id: answer.id,
    object: "answer_summary",
    status: answer.status,
    model: answer.model,
    key: answer.keyId,
    charged_micros: answer.chargedMicros,
    created_at: new Date(answer.createdAt).toISOString(),
    ended_at: answer.endedAt === null ? null : new Date(answer.endedAt).toISOString(),
  };
}

const status = z.enum(["queued", "running", "completed", "partial", "failed", "cancelled"]);

export const answerListQuerySchema: z.ZodType<AnswerListQuery> = z.strictObject({
  ...pageFields,
  status: status.optional(),
});

export const answerListSchema: z.ZodType<Page<AnswerSummaryBody>> = pageSchema(
  z
    .strictObject({
      id: z.string(),
      object: z.literal("answer_summary"),
      status,
      model: z.string(),
      key: z.string(),
      charged_micros: z.int().nonnegative(),
      created_at: z.iso.datetime(),
      ended_at: z.iso.datetime().nullable(),
    })
    .meta({ id: "AnswerSummary" }),
  "AnswerList",
);
