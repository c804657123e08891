import * as z from "zod";
import { longestRetention, type Retention, shortestRetention } from "#domain/retention.ts";
import { jsonText } from "../codec/json-text.ts";

/** How long what is kept stays, in wire names; seconds. */
export interface RetentionBody {
  readonly question_seconds: number;
  readonly answer_seconds: number;
  readonly delivery_seconds: number;
  readonly upload_seconds: number;
}

/** What one request asks for; what is absent is its account's. */
export type AskedRetentionBody = Partial<
  Pick<RetentionBody, "question_seconds" | "answer_seconds">
>;

const fields: {
  readonly [Field in keyof RetentionBody]: readonly [keyof Retention, what: string];
} = {
  question_seconds: [
    "questionMs",
    "Question, pictures and frames, from the end of their answer: to replay it, and to resume its stream.",
  ],
  answer_seconds: ["answerMs", "The answer, from its end; so long too, at most, in the cache."],
  delivery_seconds: [
    "deliveryMs",
    "What webhooks were told. What is still on its way stays until it arrived or was given up.",
  ],
  upload_seconds: ["uploadMs", "An uploaded picture, from when it was uploaded last."],
};

function seconds(field: keyof RetentionBody): z.ZodType<number> {
  const [name, description] = fields[field];
  return z
    .int()
    .min(shortestRetention[name] / 1000)
    .max(longestRetention[name] / 1000)
    .meta({ description });
}

/** Schema of some of the times; the others stay as they are, or as the installation sets them. */
export const someRetentionSchema: z.ZodType<Partial<RetentionBody>> = z
  .strictObject({
    question_seconds: seconds("question_seconds").exactOptional(),
    answer_seconds: seconds("answer_seconds").exactOptional(),
    delivery_seconds: seconds("delivery_seconds").exactOptional(),
    upload_seconds: seconds("upload_seconds").exactOptional(),
  })
  .meta({ id: "SomeRetention" });

export const retentionSchema: z.ZodType<RetentionBody> = z
  .strictObject({
    question_seconds: seconds("question_seconds"),
    answer_seconds: seconds("answer_seconds"),
    delivery_seconds: seconds("delivery_seconds"),
    upload_seconds: seconds("upload_seconds"),
  })
  .meta({ id: "Retention", description: "How long what is kept stays." });

export const askedRetentionSchema: z.ZodType<AskedRetentionBody> = z
  .strictObject({
    question_seconds: seconds("question_seconds").exactOptional(),
    answer_seconds: seconds("answer_seconds").exactOptional(),
  })
  .meta({ id: "AskedRetention" });

/** Schema of the times given as JSON text in a setting. */
export const retentionText: z.ZodType<Partial<Retention>, string> = jsonText(
  someRetentionSchema.transform(someRetentionOf),
);

/** Renders the times. */
export function retentionBody(retention: Retention): RetentionBody {
  return {
    question_seconds: retention.questionMs / 1000,
    answer_seconds: retention.answerMs / 1000,
    delivery_seconds: retention.deliveryMs / 1000,
    upload_seconds: retention.uploadMs / 1000,
  };
}

/** Renders those times that are said. */
export function someRetentionBody(retention: Partial<Retention>): Partial<RetentionBody> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, [name]]) => {
      const ms = retention[name];
      return ms === undefined ? [] : [[field, ms / 1000]];
    }),
  );
}

/** Reads some of the times. */
export function someRetentionOf(body: Partial<RetentionBody>): Partial<Retention> {
  return Object.fromEntries(
    Object.entries(body).map(([field, value]) => [
      fields[field as keyof RetentionBody][0],
      value * 1000,
    ]),
  );
}
