import type { ClientToken } from "#wire/api/accounts/client-token.ts";
import type { QueuedEvent } from "#wire/function/usage-event.ts";
import type { AnswerBinding } from "./answers/answer-client.ts";
import type { BatchBinding } from "./batches/batch-client.ts";
import type { CacheBinding } from "./cache/cache-client.ts";
import type { FleetBinding } from "./fleet/fleet-client.ts";
import type { RetentionBinding } from "./keepers.ts";
import type { KeyRecord } from "./keys/key-store.ts";
import type { LedgerBinding } from "./ledger/ledger-client.ts";
import type { UploadsBinding } from "./pictures/uploads.ts";
import type { Session } from "./sessions/session-store.ts";
import type { SettingVariables } from "./settings.ts";
import type { WebhookObject } from "./webhooks/webhook-object.ts";

/** What wrangler binds: variables and secrets, and what is reached through the platform. */
export interface Bindings
  extends SettingVariables,
    AnswerBinding,
    BatchBinding,
    CacheBinding,
    FleetBinding,
    LedgerBinding,
    RetentionBinding,
    UploadsBinding {
  /** Where backups lie; nobody but the operator reads it. */
  readonly BACKUPS: R2Bucket;
  /** The site's files: the playground. */
  readonly ASSETS: Fetcher;
  /** Accounts, keys and the copy of usage. */
  readonly DB: D1Database;
  /** The models' bundles, of which those that may be are given out. */
  readonly WEIGHTS: R2Bucket;
  /** Carries usage from the ledgers to the copy. */
  readonly USAGE: Queue<QueuedEvent>;
  /** One per account, named by its id. */
  readonly WEBHOOKS: DurableObjectNamespace<WebhookObject>;
}

/** What a request carries through guards and routes. */
export interface EdgeEnv {
  readonly Bindings: Bindings;
  readonly Variables: {
    readonly requestId: string;
    /** W3C `traceparent` of our own span. */
    readonly traceparent: string;
    /** Which answer or batch a request was about, for the log. */
    readonly answerId?: string;
    /** Set by the guards `apiKey` and `sessionOr`, so on `/v1/*` only; not where the administrator asks. */
    readonly key: KeyRecord;
    /** Code that a request was refused with. */
    readonly refusal?: string;
    /** Set by the guard `sessionOr` where a session asks, beside the key as which it does so. */
    readonly session: Session;
    /** Set beside `key` where a client token stands for it: its spend cap is to be kept. */
    readonly clientToken?: ClientToken;
  };
}
