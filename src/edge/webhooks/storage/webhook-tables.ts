import type { NoticeType } from "#domain/notice.ts";
import type { DeliveryReply } from "#wire/function/fetch.ts";
import type { Owner } from "../../keys/viewer.ts";
import type { SqlValue } from "../../storage/sql-store.ts";

/** Where an account wants to hear of what. Times are milliseconds since 1970. */
export interface Endpoint {
  readonly id: string;
  readonly url: string;
  /** Null for everything but drafts. */
  readonly events: readonly NoticeType[] | null;
  readonly signing: "hmac" | "ed25519";
  /** Secret or private key that signs. */
  readonly secret: string;
  /** Public half of an Ed25519 key; null for a secret. */
  readonly publicKey: string | null;
  /** The secret before the last rotation, which signs too until then. */
  readonly previous: { readonly secret: string; readonly expiresAt: number } | null;
  readonly isEnabled: boolean;
  readonly disabledReason: "gone" | "failing" | "owner" | null;
  /** Since when every attempt has failed; null after a success. */
  readonly failingSince: number | null;
  readonly createdAt: number;
}

export type DeliveryState = "waiting" | "delivered" | "failed";

/** One notice on its way to one receiver. */
export interface WebhookDelivery {
  readonly id: string;
  readonly noticeId: string;
  readonly type: NoticeType;
  /** Null where the request named its own address. */
  readonly endpointId: string | null;
  readonly url: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly createdAt: number;
  /** When the next attempt is due; null where there is none. */
  readonly dueAt: number | null;
}

/** What became of a delivery, without the receiver's response: that has a column of its own. */
export type KeptReply =
  | Omit<Extract<DeliveryReply, { outcome: "response" }>, "response">
  | Extract<DeliveryReply, { outcome: "failed" }>;

/** An attempt as it is shown: what came of it. */
export interface DeliveryAttempt {
  readonly number: number;
  readonly at: number;
  readonly reply: KeptReply;
  /** How the receiver's response begins, untrusted text; null where it is not known. */
  readonly response: string | null;
}

/** A delivery and everything that was tried for it. */
export interface TriedDelivery {
  /** What is sent, to the byte. */
  readonly body: string;
  readonly delivery: WebhookDelivery;
  readonly attempts: readonly DeliveryAttempt[];
}

/** What came of a sending: what was heard of the receiver, or that it never left us, which says nothing of the receiver. */
export type SendingResult = DeliveryReply | Unsent;

/** Our own side could not send: down, full, restarting, or silent. */
export interface Unsent {
  readonly outcome: "unsent";
}

/** A delivery that is to be sent now. */
export interface DueDelivery {
  readonly id: string;
  readonly accountId: string;
  readonly noticeId: string;
  readonly url: string;
  readonly body: string;
  /** Secrets that sign it, the newest first. */
  readonly secrets: readonly string[];
}

/** What the repository draws and reads besides its store. */
export interface WebhookTools {
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly newId: (prefix: "whd" | "evt") => string;
}

export interface AccountSecrets {
  readonly secret: string;
  readonly previous: { readonly secret: string; readonly expiresAt: number } | null;
}

/** What is kept of an account's webhooks outside of it. What is on its way to them is not: that tells of answers, which go when they are to go. */
export interface SavedEndpoints {
  readonly endpoints: readonly SavedEndpoint[];
  /** What signs for addresses that requests name; null before the first. */
  readonly secrets: AccountSecrets | null;
}

/** An endpoint without how it did lately: the receiver is not held to the time in which nobody asked it. */
export type SavedEndpoint = Omit<Endpoint, "failingSince">;

/** `restored` · `before`: an earlier call had, from that cut · `not_empty`: there are others, or they were restored from another cut. */
export type EndpointsOutcome = "restored" | "before" | "not_empty";

export interface DeliveryQuery {
  /** Whose deliveries alone; null or absent for the whole account's. */
  readonly owner?: Owner;
  readonly endpointId?: string | undefined;
  readonly state?: DeliveryState | undefined;
  readonly type?: NoticeType | undefined;
  /** Place in the order, newest first. */
  readonly after?: readonly [createdAt: number, id: string] | undefined;
}

export interface DeliveryRange {
  /** Whose deliveries alone; null or absent for the whole account's. */
  readonly owner?: Owner;
  readonly endpointId?: string | undefined;
  readonly state?: DeliveryState | undefined;
  readonly since: number;
  readonly until: number;
}

/** A delivery as it is kept. Times are milliseconds since 1970. */
export interface DeliveryRow extends Record<string, SqlValue> {
  readonly id: string;
  readonly notice_id: string;
  readonly endpoint_id: string | null;
  readonly url: string;
  /** Origin of `url`: whom one sending too many would burden. */
  readonly receiver: string;
  /** Signs what goes to an address that a request named with a secret of its own. */
  readonly secret: string | null;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly created_at: number;
  /** Of the next attempt; while one is being made, the end of its lease. */
  readonly due_at: number | null;
  /** Until when a sender has it; then another may take it. */
  readonly leased_until: number | null;
  /** Since when no sending of it has left, for reasons of our own; null once one has. */
  readonly unsent_since: number | null;
}
