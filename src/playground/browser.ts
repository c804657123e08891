import { createClient } from "#client/client.ts";
import { keepPass } from "./pass/keep.ts";
import type { State } from "./state.ts";
import type { Store } from "./store.ts";
import { passOver, troubleOf } from "./trouble.ts";

/** What the actions need of the browser. */
export interface Browser {
  readonly baseUrl: string;
  readonly now: () => number;
  readonly isOnline: () => boolean;
  readonly prefersReducedMotion: () => boolean;
  /** 128 random bits or more. */
  readonly newKey: () => string;
}

/** Where actions stand: what the page shows, and what it runs in. */
export interface Page {
  readonly store: Store<State>;
  readonly browser: Browser;
}

/** Says what went wrong, in the state. */
export function fail({ store, browser }: Page, cause: unknown): void {
  store.update({ trouble: troubleOf(cause, browser.isOnline()) });
}

/** Whether there is a pass that has not run out; says so where there is none. */
export function hasPass({ store, browser }: Page): boolean {
  const { pass } = store.get();
  if (pass !== null && pass.expiresAt > browser.now()) return true;
  if (pass !== null) keepPass(null);
  store.update({ pass: null, trouble: passOver });
  return false;
}

/** The service, asked with the pass that there is. */
export function clientOf({ store, browser }: Page): ReturnType<typeof createClient> {
  return createClient({ baseUrl: browser.baseUrl, apiKey: store.get().pass?.token ?? "" });
}
