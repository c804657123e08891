import type { Failure } from "#domain/failure.ts";
import { add, type Micros, toNumber, ZERO } from "#domain/micros.ts";
import type { ModelCard } from "#domain/quote.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { BatchItem, BatchRequest } from "#wire/api/answers/batch-request.ts";
import { problemOf } from "#wire/error.ts";
import { cardDigest } from "#wire/function/model-card.ts";
import { admit } from "../answers/admit.ts";
import type { CallerContext } from "../caller-context.ts";
import type { LedgerBinding } from "../ledger/ledger-client.ts";
import { resolvePictures } from "../pictures/pictures.ts";
import type { UploadsBinding } from "../pictures/uploads.ts";
import { type KeptFiles, keepPictures } from "../questions/picture-store.ts";
import { askedIn, pictureBytes } from "../questions/question-picture.ts";
import { mayTell } from "../webhooks/webhook-address.ts";
import { type BatchBinding, batchesOf } from "./batch-client.ts";
import type { NewItem } from "./storage/batch-items.ts";
import type { ItemOrder } from "./storage/stored-batches.ts";

/** Who has a batch taken on, and what it reaches on its way. */
export type TakingCaller = CallerContext<
  BatchBinding & LedgerBinding & UploadsBinding & { readonly DB: D1Database }
>;

/** Time to get all pictures; a client waits no longer for a reply. Items that come later fail by themselves. */
const PICTURES_MS = 60_000;

/** Items whose pictures are fetched at one time: a Worker may have six connections open at once. */
const FETCHING_ITEMS = 4;

/** Threat: 256 questions with eight pictures of 10 MiB by address. 256 MiB are a megabyte for each item. */
const MAX_BATCH_BYTES: number = 256 * 1024 * 1024;

/** What all items together may take. */
export interface PricedItems {
  readonly price: Micros;
  readonly steps: number;
}

/** Prices every item and hands it to the batch's object at once, so that no more than a few are in memory here. */
export async function keepItems(
  caller: TakingCaller,
  { items }: BatchRequest,
  terms: Omit<ItemsPlace, "kept">,
): Promise<Result<PricedItems, Failure>> {
  const { batchId } = terms;
  const batches = batchesOf(caller.bindings);
  const sum = { price: ZERO, steps: 0, bytes: 0 };
  const place: ItemsPlace = { ...terms, kept: new Map() };
  let refusal: Failure | undefined;
  const waiting = items.entries();
  const keepInTurn = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      if (refusal !== undefined) return;
      const priced = await priceItem(caller, item, place);
      if (!priced.ok && concernsAll(priced.refusal)) refusal ??= priced.refusal;
      if (priced.ok) {
        const { order, bytes } = priced.value;
        sum.price = add(sum.price, order.job.quote.price);
        sum.steps += order.job.quote.steps;
        sum.bytes += bytes;
        if (sum.bytes > MAX_BATCH_BYTES)
          refusal ??= { kind: "body_too_large", limitBytes: MAX_BATCH_BYTES };
      }
      const kept = keptItem(caller, item, priced);
      await batches.keep(batchId, index, kept, priced.ok ? priced.value.order : null);
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: FETCHING_ITEMS }, keepInTurn));
  const fault = ended.find((one) => one.status === "rejected");
  if (fault !== undefined)
    throw new Error(`the items of batch ${batchId} could not be kept`, { cause: fault.reason });
  return refusal === undefined ? ok(sum) : refuse(refusal);
}

/** Where a batch's questions are kept, and by what they are priced. */
interface ItemsPlace {
  readonly batchId: string;
  readonly card: ModelCard;
  readonly createdAt: number;
  /** Pictures of the batch's defaults, which every item brings and one keeps. */
  readonly kept: KeptFiles;
}

interface PricedItem {
  readonly order: ItemOrder;
  /** Of its question, pictures included, as it is kept. */
  readonly bytes: number;
}

function keptItem(
  { requestId }: CallerContext,
  { customId }: BatchItem,
  order: Result<PricedItem, Failure>,
): NewItem {
  if (order.ok)
    return { customId, quotedMicros: toNumber(order.value.order.job.quote.price), error: null };
  const error = problemOf(order.refusal, { requestId, instance: "/v1/batches" });
  return { customId, quotedMicros: 0, error };
}

/** Prices one item, or says why it cannot be asked. */
async function priceItem(
  caller: TakingCaller,
  { request }: BatchItem,
  { batchId, card, createdAt, kept }: ItemsPlace,
): Promise<Result<PricedItem, Failure>> {
  const tellable = mayTell(request.webhook?.url, caller.settings, "/webhook");
  if (!tellable.ok) return tellable;
  const files = await resolvePictures(caller, request.pictures, createdAt + PICTURES_MS);
  if (!files.ok) return files;
  const { cardDigest: quoted, maximum } = request;
  const { deadlineMs, webhook, warnings } = request;
  if (quoted !== null && quoted !== (await cardDigest(card)))
    return refuse({ kind: "card_changed", model: card.id });
  const asked = { ...askedIn(request), images: files.value };
  const { accountId } = caller.key;
  const admitted = admit(asked, { id: "", accountId, card, warnings, createdAt });
  if (!admitted.ok) return admitted;
  const { id: _, ...job } = admitted.value;
  const { bindings } = caller;
  if (maximum !== null && job.quote.price > maximum)
    return refuse({
      kind: "price_above_maximum",
      priceMicros: toNumber(job.quote.price),
      maximumMicros: toNumber(maximum),
    });
  const question = await keepPictures(bindings.IMAGES, { accountId, id: batchId }, asked, kept);
  const bytes = question.images.reduce(
    (size, picture) => size + pictureBytes(picture),
    question.head.length,
  );
  const order = { job: { ...job, question }, deadlineMs, webhook, pool: request.cache };
  return ok({ order, bytes });
}

/** A picture or a price is one item's matter; the model, and what it cannot do at all, is the whole batch's. */
function concernsAll({ kind }: Failure): boolean {
  return kind === "card_changed" || kind === "images_not_supported";
}
