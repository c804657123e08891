import type { BatchBody } from "#wire/api/answers/batches.ts";
import { withJob } from "../answers/storage/stored-answers.ts";
import {
  membersOf,
  type StoredJson,
  storedJson,
  unchanged,
  withDefaults,
} from "../storage/stored-json.ts";
import type { ItemOrder } from "./batch-orders.ts";
import type { BatchTerms } from "./batch-repository.ts";

/** A batch as it was told: in the list, and as the reply of an Idempotency-Key. */
export const storedBatch: StoredJson<BatchBody> = storedJson({
  name: "a batch",
  is: membersOf<BatchBody>({
    id: "string",
    object: "string",
    status: "string",
    counts: "object",
    quoted_micros: "number",
    charged_micros: "number",
    created_at: "string",
    ended_at: ["string", "null"],
  }),
  upgrades: [unchanged],
});

export const storedBatchTerms: StoredJson<BatchTerms> = storedJson({
  name: "terms of a batch",
  is: membersOf<BatchTerms>({
    id: "string",
    accountId: "string",
    keyId: "string",
    owner: ["string", "null"],
    poolOwner: ["string", "null"],
    requestId: "string",
    traceparent: ["string", "null"],
    createdAt: "number",
    deadlineAt: "number",
    quotedMicros: "number",
    isRepeatable: "boolean",
    webhook: ["object", "null"],
    noticeId: "string",
  }),
  upgrades: [unchanged, withDefaults({ owner: null, poolOwner: null })],
});

/** An item's order without its question. */
export interface ItemTerms extends Omit<ItemOrder, "job"> {
  readonly terms: Omit<ItemOrder["job"], "question">;
}

export const storedItemTerms: StoredJson<ItemTerms> = storedJson({
  name: "terms of an item",
  is: membersOf<ItemTerms>({
    terms: "object",
    deadlineMs: ["number", "null"],
    webhook: ["object", "null"],
    pool: "string",
  }),
  upgrades: [unchanged, (item) => withJob(item, "terms"), withDefaults({ pool: "off" })],
});
