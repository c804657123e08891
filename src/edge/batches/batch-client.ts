import type { BatchObject } from "./batch-object.ts";
import type { Batches } from "./batch-service.ts";

/** Reaches the batches. */
export function batchesOf({
  BATCHES,
}: {
  readonly BATCHES: DurableObjectNamespace<BatchObject>;
}): Batches {
  const at = (batchId: string): DurableObjectStub<BatchObject> => BATCHES.getByName(batchId);
  return {
    keep: async (batchId, index, item, order) => await at(batchId).keep(index, item, order),
    begin: async (terms) => await at(terms.id).begin(terms),
    discard: async (batchId) => await at(batchId).discard(),
    read: async (batchId, viewer) => await at(batchId).read(viewer),
    results: async (batchId, viewer, from, count) => await at(batchId).results(viewer, from, count),
    cancel: async (batchId, viewer) => await at(batchId).cancel(viewer),
    itemEnded: async (batchId, index, body) => await at(batchId).itemEnded(index, body),
  };
}
