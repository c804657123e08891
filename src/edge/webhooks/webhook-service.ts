import type { Notice, NoticeType, WebhookTarget } from "#domain/notice.ts";
import type { DeliveryReply } from "#wire/function/fetch.ts";
import type { Owner } from "../keys/viewer.ts";

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

/** An attempt as it is shown: what came of it, and never what the receiver said. */
export interface DeliveryAttempt {
  readonly number: number;
  readonly at: number;
  readonly reply: DeliveryReply;
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

/** The endpoints of one account and everything that is on its way to them. Every operation is one transaction. */
export interface WebhookRepository {
  /** Keeps a notice for every enabled endpoint that wants it, and for its own address; the same id again changes nothing. */
  accept(notice: Notice, target: WebhookTarget | null): void;
  /** Keeps a notice for an address that a request named, and for no endpoint. */
  acceptAt(notice: Notice, target: WebhookTarget): void;
  /** Keeps a notice for one endpoint, whether it wants it or is enabled or not. False where there is none. */
  acceptFor(notice: Notice, endpointId: string): boolean;
  /** Takes deliveries that are due, at most `limit`, and none that another sender has. A sender that dies is replaced after a lease. */
  take(limit: number): readonly DueDelivery[];
  /** Takes in what came of a sending. One that never left is no attempt. */
  record(deliveryId: string, result: SendingResult): void;
  /** When something can be taken; null when nothing waits. */
  nextDueAt(): number | null;
  endpoints(): readonly Endpoint[];
  endpoint(id: string): Endpoint | null;
  putEndpoint(endpoint: Endpoint): void;
  /** Deletes it; what was on its way there fails. */
  deleteEndpoint(id: string): boolean;
  /** Secrets of the account for addresses that requests name; null before the first. */
  accountSecrets(): AccountSecrets | null;
  putAccountSecrets(secrets: AccountSecrets): void;
  deliveries(query: DeliveryQuery, count: number): readonly WebhookDelivery[];
  delivery(
    id: string,
    owner?: Owner,
  ): { readonly delivery: WebhookDelivery; readonly attempts: readonly DeliveryAttempt[] } | null;
  /** Sends a delivery again from the beginning of its schedule. False where there is none, or its endpoint is gone. */
  redeliver(id: string, owner?: Owner): boolean;
  /** Sends a range again; returns how many. */
  redeliverRange(range: DeliveryRange): number;
  /** When `sweep` will have something to do; null where nothing is kept. */
  sweepAt(): number | null;
  /** Forgets what is too old to be shown, if it is time to. */
  sweep(): void;
}

export interface AccountSecrets {
  readonly secret: string;
  readonly previous: { readonly secret: string; readonly expiresAt: number } | null;
}

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
