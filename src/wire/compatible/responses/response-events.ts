import * as z from "zod";
import { emptyList } from "../refused-fields.ts";
import { outputMessageSchema, outputTextSchema, responseSchema } from "./response-schema.ts";

const sequence_number = z.int().nonnegative().meta({
  description:
    "Rises from event to event. That of a delta is 3 and the characters that have been told with it.",
});
const output_index = z.literal(0);
const content_index = z.literal(0);
const place = { item_id: z.string(), output_index, content_index };
const logprobs = emptyList;
const unfinished = z
  .object({ id: z.string(), object: z.literal("response"), status: z.string() })
  .catchall(z.unknown())
  .meta({ description: "The response as far as it is, without x_unmask." });

/** Schemas of the events of a response, by their names. Source: platform.openai.com/docs/api-reference/responses-streaming. */
export const responseStreamEvents: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  (
    [
      ["response.created", { response: unfinished }],
      ["response.in_progress", { response: unfinished }],
      ["response.output_item.added", { output_index, item: outputMessageSchema }],
      ["response.content_part.added", { ...place, part: outputTextSchema }],
      ["response.output_text.delta", { ...place, delta: z.string(), logprobs }],
      ["response.output_text.done", { ...place, text: z.string(), logprobs }],
      ["response.content_part.done", { ...place, part: outputTextSchema }],
      ["response.output_item.done", { output_index, item: outputMessageSchema }],
      ["response.completed", { response: responseSchema }],
      ["response.incomplete", { response: responseSchema }],
      ["response.failed", { response: unfinished }],
    ] as const
  ).map(([type, fields]) => [
    type,
    z.object({ type: z.literal(type), sequence_number, ...fields }),
  ]),
);
