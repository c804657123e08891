import type { BatchBody, BatchResultBody } from "#wire/api/answers/batches.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { Deletion } from "../answers/answer-service.ts";
import type { ItemFate } from "../answers/making/completion-outbox.ts";
import type { Viewer } from "../keys/viewer.ts";
import type { ObjectOf, ObjectsOf } from "../objects.ts";
import type { Batches } from "./batch-service.ts";
import type { NewItem } from "./storage/batch-items.ts";
import type { BatchTerms, ItemOrder } from "./storage/stored-batches.ts";

/** What the object of one batch is asked: as in `Batches`, of itself. */
export interface BatchCalls {
  keep(index: number, item: NewItem, order: ItemOrder | null): Promise<void>;
  begin(terms: BatchTerms): Promise<BatchBody>;
  discard(): Promise<void>;
  read(viewer: Viewer): Promise<BatchBody | null>;
  results(viewer: Viewer, from: number, count: number): Promise<readonly BatchResultBody[] | null>;
  cancel(viewer: Viewer): Promise<BatchBody | null>;
  delete(viewer: Viewer): Promise<Deletion | null>;
  /** Erases the batch of an account that is erased. False while something of it is left. */
  eraseOf(accountId: string): Promise<boolean>;
  itemEnded(index: number, body: AnswerBody): Promise<ItemFate | undefined>;
}

/** Where the batches are bound. */
export interface BatchBinding {
  /** One per batch, named by its id. */
  readonly BATCHES: ObjectsOf<BatchCalls>;
}

/** Reaches the batches. */
export function batchesOf({ BATCHES }: BatchBinding): Batches {
  const at = (batchId: string): ObjectOf<BatchCalls> => BATCHES.getByName(batchId);
  return {
    keep: async (batchId, index, item, order) => await at(batchId).keep(index, item, order),
    begin: async (terms) => await at(terms.id).begin(terms),
    discard: async (batchId) => await at(batchId).discard(),
    read: async (batchId, viewer) => await at(batchId).read(viewer),
    results: async (batchId, viewer, from, count) => await at(batchId).results(viewer, from, count),
    cancel: async (batchId, viewer) => await at(batchId).cancel(viewer),
    delete: async (batchId, viewer) => await at(batchId).delete(viewer),
    itemEnded: async (batchId, index, body) => await at(batchId).itemEnded(index, body),
  };
}
