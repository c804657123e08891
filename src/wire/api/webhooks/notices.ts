import * as z from "zod";
import type { NoticeType } from "#domain/notice.ts";
import { answerSchema } from "../answers/responses.ts";

/** Every type of notice, for schemas and the API's description. */
export const noticeTypes: readonly [NoticeType, ...NoticeType[]] = [
  "answer.completed",
  "answer.partial",
  "answer.failed",
  "answer.draft",
  "batch.completed",
  "credit.low",
  "webhook_endpoint.disabled",
];

export const noticeTypeSchema: z.ZodType<NoticeType> = z.enum(noticeTypes);

/** Body that receivers of a notice are sent: an answer as `GET /v1/answers/{id}` has it, a batch, or what the type is about. */
export function noticeSchema(type: NoticeType): z.ZodType {
  const data = type.startsWith("answer.") ? answerSchema : z.looseObject({});
  return z.strictObject({ type: z.literal(type), timestamp: z.iso.datetime(), data });
}
