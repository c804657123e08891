import * as z from "zod";
import { commitReasons } from "#domain/event.ts";
import { namedFieldBodySchema } from "./api/answers/fields/field-body.ts";
import type { FieldCompletedBody } from "./api/answers/fields/field-messages.ts";
import { answerSchema } from "./api/answers/responses.ts";
import {
  type ChatChunkBody,
  chatCompletionFields,
  chatErrorSchema,
} from "./compatible/chat-reply.ts";
import { problemSchema } from "./error.ts";
import type { FrameBody, RestartedBody, StartedBody } from "./function/event-messages.ts";
import { MAX_ALTERNATIVES } from "./limits.ts";

const count = z.int().nonnegative();
const probability = z.number().min(0).max(1);

const started = {
  image_vectors: count,
  prompt_length: count,
  canvas: count,
  steps: count,
  numerics: z
    .string()
    .nullable()
    .meta({ description: "Class of the arithmetic that makes it, where its function says one." }),
};

const startedSchema: z.ZodType<StartedBody> = z
  .strictObject(started)
  .meta({ id: "AnswerStarted", description: "What is about to be made." });

const restartedSchema: z.ZodType<RestartedBody> = z
  .strictObject({
    ...started,
    restarts: z.int().min(1).meta({ description: "How often it has begun anew." }),
    previous_numerics: z
      .string()
      .nullable()
      .meta({ description: "Class of the arithmetic that had begun it." }),
  })
  .meta({
    id: "AnswerRestarted",
    description:
      "The answer begins anew: no function of the class that began it is left, and one of another class may choose other tokens. Frames told before are none of it any more; those that follow count from the first step on. It is charged once.",
  });

const frameSchema: z.ZodType<FrameBody> = z
  .strictObject({
    step: z.int().min(1),
    reason: z.enum(commitReasons).meta({
      description:
        "Why it committed as much as it did: schedule; entropy, more because more was clear; early, all that was left of a clear answer.",
    }),
    revealed: z
      .array(
        z.strictObject({
          position: count,
          token: count,
          text: z.string(),
          confidence: probability,
          step: z.int().min(1),
          alternatives: z
            .array(z.strictObject({ token: count, text: z.string(), confidence: probability }))
            .min(1)
            .max(MAX_ALTERNATIVES)
            .exactOptional()
            .meta({
              description:
                "The likeliest other tokens of its place, likeliest first, each with its own text and its probability in the pass that decided. Absent where the request asked for none, and where the answer takes part in the work of an equal one that asked for none.",
            }),
        }),
      )
      .meta({ description: "Tokens that are told first, each with the step that committed it." }),
    sealed: z
      .array(z.strictObject({ position: count, confidence: probability }))
      .exactOptional()
      .meta({
        description:
          "Positions that this step decided while the answer may still be empty: their tokens follow in `revealed` once it is certain that it is not.",
      }),
    revised: z
      .array(z.strictObject({ position: count, text: z.string() }))
      .meta({ description: "New texts of tokens that were told before." }),
    mean_confidence: probability,
    stable_until: count.meta({ description: "The text of the positions below this is final." }),
    turn_end: count
      .nullable()
      .meta({ description: "What stands behind this position is no part of the answer." }),
  })
  .meta({ id: "AnswerFrame", description: "What one step committed." });

const fieldCompletedSchema: z.ZodType<FieldCompletedBody> = namedFieldBodySchema.meta({
  id: "FieldCompleted",
  description:
    "A field is known and stays so, unless the answer begins anew. It has no id of its own: it belongs to the answer.frame that follows, and who comes back after a cut may be told it again.",
});

/** Schemas of the `data` of an answer's events, by their names, as callers are told them. */
export const answerEvents: Readonly<Record<string, z.ZodType>> = {
  "answer.started": startedSchema,
  "answer.restarted": restartedSchema,
  "field.completed": fieldCompletedSchema,
  "answer.frame": frameSchema,
  "answer.completed": answerSchema,
  "answer.partial": answerSchema,
  "answer.cancelled": answerSchema,
  "answer.failed": problemSchema,
};

const calledPiece = z.object({
  index: z.literal(0),
  id: z.string().exactOptional(),
  type: z.literal("function").exactOptional(),
  function: z.object({ name: z.string().exactOptional(), arguments: z.string() }),
});

const chunkSchema: z.ZodType<ChatChunkBody> = z
  .object({
    id: z.string(),
    object: z.literal("chat.completion.chunk"),
    created: count,
    model: z.string(),
    choices: z.array(
      z.object({
        index: z.literal(0),
        delta: z.object({
          role: z.literal("assistant").exactOptional(),
          content: z.string().nullable().exactOptional(),
          tool_calls: z.tuple([calledPiece]).exactOptional(),
        }),
        logprobs: z.null(),
        finish_reason: z.enum(["stop", "length", "tool_calls"]).nullable(),
      }),
    ),
    usage: chatCompletionFields.usage.nullable().exactOptional(),
    x_unmask: chatCompletionFields.x_unmask.exactOptional(),
  })
  .meta({ id: "ChatCompletionChunk" });

/** Schema of the events of a streamed chat, which have no names. The last is `[DONE]`, which is no JSON. */
export const chatEvents: Readonly<Record<string, z.ZodType>> = {
  message: z.union([chunkSchema, chatErrorSchema]),
};

const pieceSchema: z.ZodType = z
  .object({
    chunk: z.string(),
    completed: z.boolean(),
    request_id: z.string().exactOptional().meta({ description: "In the last chunk." }),
    finish_reason: z
      .enum(["stop", "length"])
      .exactOptional()
      .meta({ description: "In the last chunk." }),
  })
  .meta({ id: "MoondreamChunk" });

/** Schema of the events of Moondream's streams, which have no names. */
export const moondreamEvents: Readonly<Record<string, z.ZodType>> = {
  message: z.union([pieceSchema, chatErrorSchema]),
};
