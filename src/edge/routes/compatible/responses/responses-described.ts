import * as z from "zod";
import { inputItemsSchema } from "#wire/compatible/responses/input-items.ts";
import { describedResponseSchema } from "#wire/compatible/responses/response-body.ts";
import { responseStreamEvents } from "#wire/compatible/responses/response-events.ts";
import { responseSchema } from "#wire/compatible/responses/response-schema.ts";
import { describedQuery } from "../../body.ts";
import { askedHeaders } from "../../describe/declared-headers.ts";
import { eventContent } from "../../describe/openapi-events.ts";
import { byKey, jsonBody, jsonContent, type RouteConfig } from "../../describe/route.ts";
import { compatibleRefusals } from "../compatible-asking.ts";
import { itemsQuerySchema, shownQuerySchema } from "./stored-responses.ts";

const idParameter = z.object({
  id: z.string().meta({ example: "resp_0Kb3nV7cQ2xY9mTgA4hZw" }),
});
const responseReply = { content: jsonContent(responseSchema) } as const;

/** How OpenAI's responses read in the API's description. */
export const responseRoutes: readonly RouteConfig[] = [
  {
    method: "post",
    path: "/v1/responses",
    operationId: "createResponse",
    summary: "Ask as new code of OpenAI's clients does",
    description:
      "A response is an answer: its id has the same digits. max_output_tokens is a ceiling of the canvas, which is never longer for it than the model was trained for. A stream tells only text that is final, so it often comes late and at once; the sequence_number of a delta counts the characters told. What a masked-diffusion model cannot do (tools, reasoning, audio …) is refused with a sentence; errors have OpenAI's shape.",
    security: byKey,
    request: {
      headers: ["Idempotency-Key", "Cache-Control"],
      ...jsonBody(describedResponseSchema),
    },
    responses: {
      200: {
        description:
          "The response, at once where it is to be made in the background, or its events when `stream` is true.",
        headers: askedHeaders,
        content: { ...jsonContent(responseSchema), ...eventContent(responseStreamEvents) },
      },
    },
    refusals: compatibleRefusals,
  },
  {
    method: "get",
    path: "/v1/responses/{id}",
    operationId: "showResponse",
    summary: "Show a response",
    description:
      "As far as it is made, with stream its events from the first or behind starting_after. Any answer can be shown so, however it was asked.",
    security: byKey,
    request: { params: idParameter, query: describedQuery(shownQuerySchema) },
    responses: {
      200: {
        description: "The response.",
        content: { ...jsonContent(responseSchema), ...eventContent(responseStreamEvents) },
      },
    },
    refusals: compatibleRefusals,
  },
  {
    method: "get",
    path: "/v1/responses/{id}/input_items",
    operationId: "listResponseInputItems",
    summary: "List what a response was asked",
    description:
      "Its messages, those that it went on from included, newest first; pictures are named and not sent back. Kept as long as the question, a day at the most.",
    security: byKey,
    request: { params: idParameter, query: describedQuery(itemsQuerySchema) },
    responses: { 200: { description: "The messages.", content: jsonContent(inputItemsSchema) } },
    refusals: compatibleRefusals,
  },
  {
    method: "post",
    path: "/v1/responses/{id}/cancel",
    operationId: "cancelResponse",
    summary: "Cancel a response",
    description: "Charges the steps that ran; one that has ended stays as it is.",
    security: byKey,
    request: { params: idParameter },
    responses: { 200: { description: "The response as it stands.", ...responseReply } },
    refusals: compatibleRefusals,
  },
  {
    method: "delete",
    path: "/v1/responses/{id}",
    operationId: "deleteResponse",
    summary: "Delete a response",
    description:
      "One that has ended, with question, pictures and everything that came of it; what it cost stays in the ledger.",
    security: byKey,
    request: { params: idParameter },
    responses: {
      200: {
        description: "Nobody sees it any more.",
        content: jsonContent(
          z
            .object({ id: z.string(), object: z.literal("response"), deleted: z.literal(true) })
            .meta({ id: "DeletedResponse" }),
        ),
      },
    },
    refusals: compatibleRefusals,
  },
];
