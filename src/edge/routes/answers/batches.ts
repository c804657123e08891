import type { Context } from "hono";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import type { ModelCard } from "#domain/quote.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { type BatchRequest, parseBatch } from "#wire/api/answers/batch-request.ts";
import { type BatchBody, batchListQuerySchema } from "#wire/api/answers/batches.ts";
import { decodeCursor, pageOf } from "#wire/api/page.ts";
import type { JsonBody } from "#wire/body/json-body.ts";
import { batchesOf } from "../../batches/batch-client.ts";
import { BatchIndex, type BatchPlace, type ListedBatch } from "../../batches/batch-index.ts";
import { takeBatch } from "../../batches/take-batch.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused, refusedMissing } from "../../guard/errors.ts";
import { idempotentRequest } from "../../headers/idempotency.ts";
import type { Models } from "../../models/models.ts";
import { StreamedDigest } from "../../questions/streamed-digest.ts";
import { askedCard, modelIn, modelsOf, parsedOnce } from "../asked-card.ts";
import { readJson, readQuery } from "../body.ts";
import { pageReply } from "../list.ts";
import { callerContextOf, tellRates, viewerIn } from "../reply-headers.ts";
import { deletionReply } from "./deletion-reply.ts";

/** What a batch is told with while it is being made. */
const POLL_SECONDS = 5;

/** `POST /v1/batches`: asks many questions under one hold, and replies at once. */
export async function createBatch(c: Context<EdgeEnv>): Promise<Response> {
  // Two batches are the same when their bodies are, byte for byte.
  const digest = new StreamedDigest();
  const sent = await readJson(c, (chunk) => digest.write(chunk));
  if (!sent.ok) return refused(c, sent.refusal);
  const read = parsedOnce(sent.value);
  const models = await modelsOf(c);
  const { card, readBy } = askedCard(models.find(batchModel(read)));
  const request = parseBatch(read, readBy);
  if (!request.ok) return refused(c, request.refusal);
  const idempotency = await idempotentRequest(c, await digest.hex());
  if (!idempotency.ok) return refused(c, idempotency.refusal);
  const asked = card.ok ? oneModel(request.value, card.value, models) : card;
  const taken = await takeBatch(callerContextOf(c), request.value, asked, idempotency.value);
  const { allowances } = taken.ok ? taken.value : taken.refusal;
  tellRates(c, allowances);
  if (!taken.ok) return refused(c, taken.refusal.failure);
  const { body, isReplay } = taken.value;
  c.set("answerId", body.id);
  if (isReplay) c.header("idempotency-replayed", "true");
  c.header("location", `/v1/batches/${body.id}`);
  return batchReply(c, body, 202);
}

/** The model that a batch asks: of its defaults, or of its first item. */
function batchModel(body: JsonBody): string | undefined {
  const parsed = body.parse();
  if (!parsed.ok || typeof parsed.value !== "object" || parsed.value === null) return undefined;
  const { items, defaults } = parsed.value as {
    readonly items?: unknown;
    readonly defaults?: unknown;
  };
  return (Array.isArray(items) ? modelIn(items[0]) : undefined) ?? modelIn(defaults);
}

/** A batch is of one model, whose card prices all of it. */
function oneModel(
  { items }: BatchRequest,
  card: ModelCard,
  models: Models,
): Result<ModelCard, Failure> {
  for (const [index, { request }] of items.entries()) {
    const own = models.find(request.model);
    if (!own.ok) return own;
    if (own.value.id === card.id) continue;
    const message = `a batch asks one model; this one asks ${card.id}`;
    const problems = [{ pointer: `/items/${index}/model`, message }];
    return refuse({ kind: "invalid_request", problems });
  }
  return ok(card);
}

/** `GET /v1/batches/{id}`: how far it is. */
export async function showBatch(c: Context<EdgeEnv>): Promise<Response> {
  const id = await knownId(c);
  const body = id === null ? null : await batchesOf(c.env).read(id, viewerIn(c));
  return body === null ? missing(c) : batchReply(c, body, 200);
}

/** `POST /v1/batches/{id}/cancel`: stops it where it stands. */
export async function cancelBatch(c: Context<EdgeEnv>): Promise<Response> {
  const id = await knownId(c);
  const body = id === null ? null : await batchesOf(c.env).cancel(id, viewerIn(c));
  return body === null ? missing(c) : batchReply(c, body, 200);
}

/** `DELETE /v1/batches/{id}`: deletes one that has ended, with its answers. */
export async function deleteBatch(c: Context<EdgeEnv>): Promise<Response> {
  const id = await knownId(c);
  const deletion = id === null ? null : await batchesOf(c.env).delete(id, viewerIn(c));
  return deletionReply(c, "batch", id ?? "", deletion);
}

/** `GET /v1/batches/{id}/results`: what became of each item, in the order of the request. */
export async function listBatchResults(c: Context<EdgeEnv>): Promise<Response> {
  const query = readQuery(c, batchListQuerySchema);
  if (!query.ok) return refused(c, query.refusal);
  const { limit, after } = query.value;
  const place = after === undefined ? undefined : decodeCursor(after, resultPlaceSchema);
  if (place?.ok === false) return refused(c, place.refusal);
  const from = place === undefined ? 0 : place.value[0] + 1;
  const id = await knownId(c);
  const rows =
    id === null ? null : await batchesOf(c.env).results(id, viewerIn(c), from, limit + 1);
  if (rows === null) return missing(c);
  const page = pageOf(
    rows,
    limit,
    (row) => row,
    ({ index }) => [index],
  );
  return pageReply(c, page);
}

/** `GET /v1/batches`: the account's batches, or a client token's own, newest first. */
export async function listBatches(c: Context<EdgeEnv>): Promise<Response> {
  const query = readQuery(c, batchListQuerySchema);
  if (!query.ok) return refused(c, query.refusal);
  const { limit, after } = query.value;
  const place = after === undefined ? undefined : decodeCursor(after, batchPlaceSchema);
  if (place?.ok === false) return refused(c, place.refusal);
  const rows = await new BatchIndex(c.env.DB).list(viewerIn(c), place?.value, limit + 1);
  const { data, ...page } = pageOf(
    rows,
    limit,
    (row) => row,
    ({ createdAt, id }) => [createdAt, id],
  );
  const bodies = await Promise.all(data.map((row) => bodyOf(c, row)));
  return pageReply(c, {
    object: page.object,
    data: bodies.filter((body) => body !== null),
    has_more: page.has_more,
    next_cursor: page.next_cursor,
  });
}

/** Null for one whose object never came to begin it, which is no batch. */
async function bodyOf(c: Context<EdgeEnv>, { id, body }: ListedBatch): Promise<BatchBody | null> {
  return body ?? (await batchesOf(c.env).read(id, viewerIn(c)));
}

const resultPlaceSchema: z.ZodType<readonly [number]> = z.tuple([z.int().nonnegative()]);
const batchPlaceSchema: z.ZodType<BatchPlace> = z.tuple([z.int().nonnegative(), z.string()]);

/** The batch of the path; null where the caller has none of this id. Threat: an object for every id that a client makes up. */
async function knownId(c: Context<EdgeEnv>): Promise<string | null> {
  const id = c.req.param("id") ?? "";
  return (await new BatchIndex(c.env.DB).has(id, viewerIn(c))) ? id : null;
}

function missing(c: Context<EdgeEnv>): Response {
  return refusedMissing(c, "batch");
}

function batchReply(c: Context<EdgeEnv>, body: BatchBody, status: 200 | 202): Response {
  return c.json(body, status, {
    "cache-control": "no-store",
    ...(body.ended_at === null ? { "retry-after": String(POLL_SECONDS) } : {}),
  });
}
