import * as z from "zod";
import { chatCompletionFields } from "../chat-reply.ts";
import { emptyList } from "../refused-fields.ts";
import { textFormatSchema } from "./response-format.ts";
import type { OutputMessageBody, OutputTextBody, ResponseBody } from "./response-reply.ts";

const count = z.int().nonnegative();

/** Schema of a piece of text, for the API's description. */
export const outputTextSchema: z.ZodType<OutputTextBody> = z.object({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: emptyList,
  logprobs: emptyList,
});

/** Schema of the message that an answer is told as, for the API's description. */
export const outputMessageSchema: z.ZodType<OutputMessageBody> = z
  .object({
    id: z.string(),
    type: z.literal("message"),
    role: z.literal("assistant"),
    status: z.enum(["in_progress", "completed", "incomplete"]),
    content: z.array(outputTextSchema),
  })
  .meta({ id: "ResponseMessage" });

/** Schema of the reply, for the API's description and for tests that hold replies to it. */
export const responseSchema: z.ZodType<ResponseBody> = z
  .object({
    id: z.string(),
    object: z.literal("response"),
    created_at: count,
    completed_at: count.nullable(),
    status: z.enum(["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]),
    background: z.boolean(),
    error: z
      .object({
        code: z.enum(["server_error", "rate_limit_exceeded", "invalid_prompt"]),
        message: z.string(),
        type: z.string().meta({ description: "Our own code of the refusal." }),
        param: z.null(),
      })
      .nullable(),
    incomplete_details: z.object({ reason: z.literal("max_output_tokens") }).nullable(),
    instructions: z.string().nullable().meta({
      description:
        "What the model was told before everything else. Null where it obeys no such message, and once the question is forgotten.",
    }),
    max_output_tokens: count.nullable(),
    metadata: z.record(z.string(), z.string()),
    model: z.string(),
    output: z.array(outputMessageSchema),
    previous_response_id: z.string().nullable(),
    store: z.boolean(),
    temperature: z.number(),
    text: z.object({ format: textFormatSchema }),
    usage: z
      .object({
        input_tokens: count,
        input_tokens_details: z.object({ cached_tokens: count, cache_write_tokens: z.literal(0) }),
        output_tokens: count,
        output_tokens_details: z.object({ reasoning_tokens: z.literal(0) }),
        total_tokens: count,
      })
      .nullable(),
    access_programs: z.null(),
    parallel_tool_calls: z.literal(false),
    reasoning: z.object({ effort: z.null(), summary: z.null() }),
    tool_choice: z.literal("none"),
    tools: emptyList,
    top_logprobs: z.literal(0),
    top_p: z.literal(1),
    truncation: z.literal("disabled"),
    x_unmask: chatCompletionFields.x_unmask,
  })
  .meta({ id: "Response" });
