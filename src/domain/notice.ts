/** What receivers of webhooks can be told. */
export type NoticeType =
  | "answer.completed"
  | "answer.partial"
  | "answer.failed"
  /** The canvas while it is made; only to who asks for it. */
  | "answer.draft"
  | "batch.completed"
  | "credit.low"
  | "webhook_endpoint.disabled";

/** Something that an account wants to hear of. */
export interface Notice {
  /** `evt_…`, drawn once: whoever tells it again tells it under the same id, which is its `webhook-id` at the receivers. */
  readonly id: string;
  readonly type: NoticeType;
  readonly accountId: string;
  /** For which client token or subject it was asked, who may see its delivery to an address of their own; absent: the account's. */
  readonly owner?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** How long it is kept from when it was told, and at least until it arrived or was given up; absent: the usual 30 days. */
  readonly lifetimeMs?: number;
  /** After so long it is given up, wherever it is on its way; absent: as the schedule has it. */
  readonly patienceMs?: number;
  /** The `data` of the body, in wire names. */
  readonly data: object;
}

/** Where a single answer is to be delivered, besides the account's endpoints. */
export interface WebhookTarget {
  readonly url: string;
  /** `whsec_…` that signs it; null for the account's own secret. */
  readonly secret: string | null;
  /** Also tell `answer.draft`. */
  readonly wantsDrafts: boolean;
}
