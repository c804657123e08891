import type { ClientToken } from "#wire/api/accounts/client-token.ts";
import type { Bindings } from "./env.ts";
import type { KeyRecord } from "./keys/key-store.ts";
import type { Settings } from "./settings.ts";

/** Who asks, and through which request. */
export interface CallerContext {
  readonly bindings: Bindings;
  readonly settings: Settings;
  readonly key: KeyRecord;
  /** What stands for the key, if anything does. */
  readonly clientToken: ClientToken | undefined;
  readonly requestId: string;
  /** W3C `traceparent`; null where the caller sent none. */
  readonly traceparent: string | null;
  /** Aborts when the caller leaves. */
  readonly signal: AbortSignal;
  /** Keeps the Worker up for work that nobody waits for. */
  readonly waitUntil: (work: Promise<unknown>) => void;
}
