import type { ClientToken } from "#wire/api/accounts/client-token.ts";
import type { KeyRecord } from "./keys/key-store.ts";
import type { Settings } from "./settings.ts";

/**
 * The key, client token and request that a call comes with, and what it may use. `Bound` is what the work that is given it
 * reaches through the platform: each folder names what it needs, and none needs to know all that the Worker is bound to.
 */
export interface CallerContext<Bound = unknown> {
  readonly bindings: Bound;
  readonly settings: Settings;
  readonly key: KeyRecord;
  /** The client token that stands for the key, if one does. */
  readonly clientToken: ClientToken | undefined;
  readonly requestId: string;
  /** W3C `traceparent`; null where the client sent none. */
  readonly traceparent: string | null;
  /** Aborts when the client closes its connection. */
  readonly signal: AbortSignal;
  /** Keeps the Worker up for work that no request waits for. */
  readonly waitUntil: (work: Promise<unknown>) => void;
}
