import * as z from "zod";
import { batchRequestSchema } from "#wire/api/answers/batch-request.ts";
import {
  batchListQuerySchema,
  batchListSchema,
  batchResultsSchema,
  batchSchema,
} from "#wire/api/answers/batches.ts";
import { describedQuery } from "../body.ts";
import { askedHeaders } from "../describe/declared-headers.ts";
import {
  byKey,
  jsonBody,
  jsonContent,
  type RouteConfig,
  type RouteReply,
} from "../describe/route.ts";
import { deletionReplies } from "./deletion-reply.ts";

const idParameter: z.ZodObject = z.object({ id: z.string() });
const one: RouteReply = {
  description: "The batch.",
  headers: ["Retry-After"],
  content: jsonContent(batchSchema),
};

/** How these routes read in the API's description. */
export const batchRoutes: readonly RouteConfig[] = [
  {
    method: "post",
    path: "/v1/batches",
    operationId: "createBatch",
    summary: "Ask many questions at once",
    description:
      "One hold of the sum, released and charged once, when every item has ended. A field that is wrong refuses the whole batch and nothing is asked; an item whose pictures cannot be fetched or read fails by itself and costs nothing. With Idempotency-Key a repeated request gets the batch as it stands.",
    security: byKey,
    request: {
      headers: ["Idempotency-Key"],
      ...jsonBody(batchRequestSchema),
    },
    responses: {
      202: {
        ...one,
        description: "Taken on; `Location` leads to it.",
        headers: [...askedHeaders, "Location", "Retry-After"],
      },
    },
  },
  {
    method: "get",
    path: "/v1/batches",
    operationId: "listBatches",
    summary: "List batches, newest first",
    security: byKey,
    request: { query: describedQuery(batchListQuerySchema) },
    responses: {
      200: {
        description: "A page of batches; the Link header leads to the next.",
        headers: ["Link"],
        content: jsonContent(batchListSchema),
      },
    },
  },
  {
    method: "get",
    path: "/v1/batches/{id}",
    operationId: "showBatch",
    summary: "Show how far a batch is",
    security: byKey,
    request: { params: idParameter },
    responses: { 200: one },
  },
  {
    method: "get",
    path: "/v1/batches/{id}/results",
    operationId: "listBatchResults",
    summary: "List what became of a batch's items",
    description:
      "In the order of the request, after the end for as long as the account keeps answers (7 days unless it says otherwise); what has ended can be read before that.",
    security: byKey,
    request: { params: idParameter, query: describedQuery(batchListQuerySchema) },
    responses: {
      200: {
        description: "A page of results; the Link header leads to the next.",
        headers: ["Link"],
        content: jsonContent(batchResultsSchema),
      },
    },
  },
  {
    method: "post",
    path: "/v1/batches/{id}/cancel",
    operationId: "cancelBatch",
    summary: "Stop a batch",
    description:
      "What waits is cancelled, what runs stops where it stands and is charged its steps.",
    security: byKey,
    request: { params: idParameter },
    responses: { 200: one },
  },
  {
    method: "delete",
    path: "/v1/batches/{id}",
    operationId: "deleteBatch",
    summary: "Delete a batch",
    description:
      "One that has ended, with its answers and their pictures; stop one that is being made first.",
    security: byKey,
    request: { params: idParameter },
    responses: deletionReplies,
  },
];
