import { type PlaygroundPass, tradeForPass } from "#client/playground-pass.ts";
import { fail, type Page } from "../browser.ts";
import { passOver } from "../trouble.ts";
import { keepPass, keptPass } from "./keep.ts";

/** What a person can do about the pass that the page asks with. */
export interface PassActions {
  trade(key: string): Promise<void>;
  takePass(pass: PlaygroundPass | null): void;
  /** Looks at what is kept: another tab may have a new pass, or this one was asleep. */
  refreshPass(): void;
}

export function passActions(page: Page): PassActions {
  const { store, browser } = page;
  const takePass = (pass: PlaygroundPass | null): void => {
    keepPass(pass);
    store.update({ pass, trouble: null });
  };
  return {
    takePass,
    async trade(key) {
      try {
        takePass(await tradeForPass({ baseUrl: browser.baseUrl, apiKey: key.trim() }));
      } catch (cause) {
        fail(page, cause);
      }
    },
    refreshPass() {
      const { pass } = store.get();
      const kept = keptPass(browser.now());
      if (kept?.token !== pass?.token) store.update({ pass: kept });
      if (pass !== null && kept === null) store.update({ trouble: passOver });
    },
  };
}
