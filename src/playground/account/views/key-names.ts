import { useEffect, useSyncExternalStore } from "hono/jsx/dom";
import type { Dashboard } from "../data/dashboard.ts";

/** What keys are called, where the session may see them; others by the beginning of their id. */
export function useKeyNames({ keys, session }: Dashboard): (key: string | null) => string {
  const { value } = useSyncExternalStore(keys.subscribe, keys.get);
  useEffect(() => {
    if (session.scopes.includes("keys")) void keys.load();
  }, [keys]);
  const names = new Map(value?.items.map(({ id, name }) => [id, name]));
  return (key) => (key === null ? "all others" : (names.get(key) ?? `key ${key.slice(0, 8)}`));
}
