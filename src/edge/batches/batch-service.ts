import type { BatchBody, BatchResultBody } from "#wire/api/answers/batches.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { Deletion } from "../answers/answer-service.ts";
import type { ItemFate } from "../answers/making/completion-outbox.ts";
import type { Viewer } from "../keys/viewer.ts";
import type { NewItem } from "./storage/batch-items.ts";
import type { BatchTerms, ItemOrder } from "./storage/stored-batches.ts";

/** The batches of all accounts. What the viewer may not see, and what is not there, are both null. Every call may be repeated. */
export interface Batches {
  /** Keeps an item of a batch that has not begun; `order` is null where it cannot be asked. What never begins is forgotten. */
  keep(batchId: string, index: number, item: NewItem, order: ItemOrder | null): Promise<void>;
  /** Takes the batch on: from the moment that this resolves it is made and paid, or its price is given back, whether its object or an answer's dies. */
  begin(terms: BatchTerms): Promise<BatchBody>;
  /** Forgets a batch that will not begin. */
  discard(batchId: string): Promise<void>;
  read(batchId: string, viewer: Viewer): Promise<BatchBody | null>;
  /** What became of the items from `from` on, in order. */
  results(
    batchId: string,
    viewer: Viewer,
    from: number,
    count: number,
  ): Promise<readonly BatchResultBody[] | null>;
  /** Stops what runs, cancels what waits; a batch that has ended stays as it is. */
  cancel(batchId: string, viewer: Viewer): Promise<BatchBody | null>;
  /** Deletes a batch that has ended, with its answers: as `Answers.delete`. */
  delete(batchId: string, viewer: Viewer): Promise<Deletion | null>;
  /** Takes in that the answer of an item has ended, and says what that is to the item; undefined of a batch that does not say. */
  itemEnded(batchId: string, index: number, body: AnswerBody): Promise<ItemFate | undefined>;
}
