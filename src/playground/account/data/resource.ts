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
  const run = async (): Promise<void> => {
    store.update({ isLoading: true });
    try {
      store.update({ value: await ask(store.get().value), isLoading: false, trouble: null });
    } catch (cause) {
      const trouble = reporter.troubleOf(cause);
      store.update({ isLoading: false, trouble });
      const { waitMs } = trouble;
      if (waitMs !== undefined && waitMs <= LONGEST_WAIT_MS)
        reporter.later(() => {
          if (store.get().trouble === trouble) void load();
        }, waitMs);
    }
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
    change: (change) =>
      store.update(({ value }) => (value === null ? {} : { value: change(value) })),
  };
}
