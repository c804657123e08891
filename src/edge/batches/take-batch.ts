import type { Failure } from "#domain/failure.ts";
import type { Allowance } from "#domain/limits.ts";
import { type Micros, toNumber } from "#domain/micros.ts";
import type { ModelCard } from "#domain/quote.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { type AskedKeeping, keepingOf } from "#domain/retention.ts";
import type { BatchRequest } from "#wire/api/answers/batch-request.ts";
import type { BatchBody } from "#wire/api/answers/batches.ts";
import { holdOf, letIn, recall } from "../answers/holds.ts";
import { newId } from "../id.ts";
import { mayAsk } from "../keys/may-ask.ts";
import { poolOwnerOf, viewerOf } from "../keys/viewer.ts";
import { ledgerOf } from "../ledger/ledger-client.ts";
import type { IdempotentRequest, RefusedHold } from "../ledger/ledger-service.ts";
import { settling } from "../ledger/settling.ts";
import { MAX_HOLD_LIFETIME_MS } from "../ledger/storage/hold-rows.ts";
import { notKeptIn } from "../ledger/storage/not-kept.ts";
import { logFault } from "../log.ts";
import { forgetPictures } from "../questions/picture-store.ts";
import { mayTell } from "../webhooks/webhook-address.ts";
import { withRetry } from "../with-retry.ts";
import { batchesOf } from "./batch-client.ts";
import { BatchIndex } from "./batch-index.ts";
import { keepItems, type TakingCaller } from "./keep-items.ts";
import { storedBatch } from "./storage/stored-batches.ts";

/** A batch that was taken on now, or by an earlier request with the same Idempotency-Key. */
export interface TakenBatch {
  readonly body: BatchBody;
  readonly isReplay: boolean;
  /** What is left of each rate. */
  readonly allowances: readonly Allowance[];
}

/** An hour before its hold would end for good: what then still waits is cancelled, and the batch can be settled. */
const MAX_BATCH_MS: number = MAX_HOLD_LIFETIME_MS - 3_600_000;

/**
 * Takes a batch on: pictures, prices, one hold of their sum, start. An item whose pictures cannot be had or read fails by
 * itself; what is wrong with the whole (model, credit, rates) refuses it, and then nothing is kept, held or asked. A
 * request that was taken on before under its Idempotency-Key is told so, whatever has become of its pictures and key.
 */
export async function takeBatch(
  caller: TakingCaller,
  request: BatchRequest,
  asked: Result<ModelCard, Failure>,
  idempotency: IdempotentRequest | null,
): Promise<Result<TakenBatch, RefusedHold>> {
  const earlier = await recall(caller, idempotency);
  if (!earlier.ok) return await repeated(caller, earlier.refusal, idempotency);
  if (earlier.value !== null) return replayed(earlier.value);
  if (!asked.ok) return refuse({ failure: asked.refusal, allowances: [] });
  const card = asked.value;
  const allowed = mayAsk(caller.key, card.id);
  if (!allowed.ok) return refuse({ failure: allowed.refusal, allowances: [] });
  const tellable = mayTell(request.webhook?.url, caller.settings, "/webhook");
  if (!tellable.ok) return refuse({ failure: tellable.refusal, allowances: [] });
  const requests = request.items.map((item) => item.request);
  const allSteps = requests.reduce((sum, { options }) => sum + options.steps, 0);
  const before = await letIn(caller, requests, { card, steps: allSteps, idempotency });
  if (!before.ok) return await repeated(caller, before.refusal, idempotency);
  if (before.value?.kind === "replay") return replayed(before.value.reply);
  const id = newId("bat");
  const createdAt = Date.now();
  let isTaken = false;
  try {
    const items = await keepItems(caller, request, { batchId: id, card, createdAt });
    if (!items.ok) return refuse({ failure: items.refusal, allowances: [] });
    const { price, steps } = items.value;
    const { accountId } = caller.key;
    const terms = {
      amount: price,
      steps,
      maximum: request.maximum,
      idempotency,
      share: null,
      isShared: false,
      isRated: before.value !== null,
    };
    const held = await ledgerOf(caller.bindings, accountId).hold(
      holdOf(caller, { id, accountId, card }, terms),
    );
    if (!held.ok) return await repeated(caller, held.refusal, idempotency);
    if (held.value.kind === "replay") return replayed(held.value.reply);
    const body = await begin(caller, { id, createdAt, price }, request, idempotency);
    isTaken = true;
    const allowances = before.value?.allowances ?? held.value.allowances;
    return ok({ body, isReplay: false, allowances });
  } finally {
    if (!isTaken) await discard(caller, id);
  }
}

function replayed(reply: string): Result<TakenBatch, RefusedHold> {
  const gone = notKeptIn(reply);
  if (gone !== null)
    return refuse({ failure: { kind: "answer_not_kept", id: gone }, allowances: [] });
  return ok({ body: storedBatch.read(reply), isReplay: true, allowances: [] });
}

/** A repeated request whose batch is still being made gets that batch as it stands. */
async function repeated(
  { bindings, key, clientToken }: TakingCaller,
  refusal: RefusedHold,
  idempotency: IdempotentRequest | null,
): Promise<Result<TakenBatch, RefusedHold>> {
  if (refusal.failure.kind !== "idempotency_in_progress" || idempotency === null)
    return refuse(refusal);
  const requestKey = requestKeyOf(idempotency);
  const id = await new BatchIndex(bindings.DB).findByRequest(key.accountId, requestKey);
  const body = id === null ? null : await batchesOf(bindings).read(id, viewerOf(key, clientToken));
  return body === null ? refuse(refusal) : ok({ body, isReplay: true, allowances: [] });
}

function requestKeyOf({ scope, fingerprint }: IdempotentRequest): string {
  return `${fingerprint} ${scope}`;
}

/** What never begins is forgotten by its object after a while; this only makes it sooner. */
async function discard({ bindings, key, requestId }: TakingCaller, batchId: string): Promise<void> {
  try {
    await batchesOf(bindings).discard(batchId);
    await forgetPictures(bindings.IMAGES, { accountId: key.accountId, id: batchId });
  } catch (cause) {
    logFault("a batch that was not taken on could not be discarded", requestId, cause);
  }
}

/** A batch keeps its results until they are fetched, for as long as its account has it. */
const wholly: AskedKeeping = { isStored: true, questionMs: null, answerMs: null };

/** Where the object cannot be reached, the hold is given back; should it have begun all the same, its items cost nothing. */
async function begin(
  caller: TakingCaller,
  batch: { readonly id: string; readonly createdAt: number; readonly price: Micros },
  { deadlineMs, webhook }: BatchRequest,
  idempotency: IdempotentRequest | null,
): Promise<BatchBody> {
  const { bindings, settings, key, clientToken, requestId, traceparent } = caller;
  const { id: keyId } = key;
  const { accountId, owner } = viewerOf(key, clientToken);
  const { id, createdAt, price } = batch;
  const requestKey = idempotency === null ? null : requestKeyOf(idempotency);
  const body = await withRetry(async () => {
    await new BatchIndex(bindings.DB).insert({ id, accountId, owner, createdAt }, requestKey);
    return await batchesOf(bindings).begin({
      id,
      accountId,
      keyId,
      owner,
      poolOwner: poolOwnerOf(key, clientToken),
      requestId,
      traceparent,
      createdAt,
      deadlineAt: createdAt + Math.min(deadlineMs ?? MAX_BATCH_MS, MAX_BATCH_MS),
      quotedMicros: toNumber(price),
      isRepeatable: idempotency !== null,
      webhook,
      noticeId: newId("evt"),
      keeping: keepingOf({ ...settings.retention, ...key.accountRetention }, wholly),
    });
  }, settling(id));
  if (body !== undefined) return body;
  await withRetry(() => ledgerOf(bindings, accountId).release(id), settling(id));
  throw new Error(`batch ${id} could not be begun`);
}
