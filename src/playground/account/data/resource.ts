import { createStore, type Store } from "../../store.ts";
import type { AccountTrouble } from "./trouble.ts";

/** Something that is asked for: what is known of it, whether it is on its way, and what went wrong last. */
export interface Loaded<Value> {
  /** Null before it came; stays when asking again fails. */
  readonly value: Value | null;
  readonly isLoading: boolean;
  readonly trouble: AccountTrouble | null;
}

export interface Resource<Value> extends Pick<Store<Loaded<Value>>, "get" | "subscribe"> {
  /** Asks for it, again where it is known; who asks meanwhile waits for the same. Never rejects. */
  load(): Promise<void>;
  /** As `load`, where what it depends on has changed: a reply that is on its way is not taken, and it is asked for anew. Never rejects. */
  reload(): Promise<void>;
  /** Takes over what is known better than by asking. */
  change(change: (value: Value) => Value): void;
}

/** How a resource tells of what went wrong, and waits. */
export interface Reporter {
  /** Words for it; a session that is over is told to whoever keeps it. */
  troubleOf(cause: unknown): AccountTrouble;
  /** Calls back after so long. */
  later(callback: () => void, ms: number): void;
}

/** Longer than this nobody watches a page wait: then it waits for its reader. */
const LONGEST_WAIT_MS = 60_000;

export function createResource<Value>(
  ask: (known: Value | null) => Promise<Value>,
  reporter: Reporter,
): Resource<Value> {
  const store = createStore<Loaded<Value>>({ value: null, isLoading: false, trouble: null });
  let underWay: Promise<void> | null = null;
  let isOutdated = false;
  const run = async (): Promise<void> => {
    store.update({ isLoading: true });
    do {
      isOutdated = false;
      const reply = await replyOf(() => ask(store.get().value), reporter);
      if (isOutdated) continue;
      store.update({ ...reply, isLoading: false });
      const { trouble } = reply;
      const waitMs = trouble?.waitMs;
      if (waitMs !== undefined && waitMs <= LONGEST_WAIT_MS)
        reporter.later(() => {
          if (store.get().trouble === trouble) void load();
        }, waitMs);
    } while (isOutdated);
  };
  const load = (): Promise<void> => {
    underWay ??= run().finally(() => {
      underWay = null;
    });
    return underWay;
  };
  return {
    get: store.get,
    subscribe: store.subscribe,
    load,
    reload() {
      isOutdated = underWay !== null;
      return load();
    },
    change: (change) =>
      store.update(({ value }) => (value === null ? {} : { value: change(value) })),
  };
}

type Reply<Value> =
  | { readonly value: Value; readonly trouble: null }
  | { readonly trouble: AccountTrouble };

async function replyOf<Value>(
  ask: () => Promise<Value>,
  reporter: Reporter,
): Promise<Reply<Value>> {
  try {
    return { value: await ask(), trouble: null };
  } catch (cause) {
    return { trouble: reporter.troubleOf(cause) };
  }
}
