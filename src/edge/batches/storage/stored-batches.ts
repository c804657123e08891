import type { WebhookTarget } from "#domain/notice.ts";
import type { AnswerKeeping } from "#domain/retention.ts";
import type { BatchBody } from "#wire/api/answers/batches.ts";
import type { Job, KeptJob } from "../../answers/storage/answer-order.ts";
import { standardKeeping, withJob } from "../../answers/storage/stored-answers.ts";
import type { Owner } from "../../keys/viewer.ts";
import {
  membersOf,
  type StoredJson,
  storedJson,
  unchanged,
  withDefaults,
} from "../../storage/stored-json.ts";

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

/** What holds for a batch as a whole. */
export interface BatchTerms {
  readonly id: string;
  readonly accountId: string;
  readonly keyId: string;
  /** The client token or subject that may see it besides the account's keys; null for the keys alone. */
  readonly owner: Owner;
  /** Whose private pool of the cache its items' answers come from and go to. */
  readonly poolOwner: Owner;
  readonly requestId: string;
  readonly traceparent: string | null;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** From then on nothing waits any longer. */
  readonly deadlineAt: number;
  readonly quotedMicros: number;
  readonly isRepeatable: boolean;
  readonly webhook: WebhookTarget | null;
  /** Under which its end is told, however often. */
  readonly noticeId: string;
  /** How long its answers and its results stay. */
  readonly keeping: AnswerKeeping;
}

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
    keeping: "object",
  }),
  upgrades: [
    unchanged,
    withDefaults({ owner: null, poolOwner: null }),
    withDefaults({ keeping: standardKeeping }),
  ],
});

/** What an item's answer will be made from. */
export interface ItemOrder {
  /** Without the answer's id, which each attempt draws anew. */
  readonly job: Omit<KeptJob, "id">;
  /** Milliseconds from the start of its answer; null waits for its end. */
  readonly deadlineMs: number | null;
  readonly webhook: WebhookTarget | null;
  /** Whose questions share its answer. */
  readonly pool: "private" | "shared" | "off";
}

/** An item's order as it was kept, by this version or by one before. */
export type StoredItemOrder = Omit<ItemOrder, "job"> & { readonly job: Omit<Job, "id"> };

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
