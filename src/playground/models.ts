import { clientOf, fail, type Page } from "./browser.ts";
import { keptCards } from "./private/device-cache.ts";

/** The cards of the models that can be asked. */
export interface Models {
  /** Asks for them, once at a time. */
  load(): Promise<void>;
  /** Resolves when they are known, or cannot be known now: how small a picture is made depends on them. */
  known(): Promise<void>;
}

export function createModels(page: Page): Models {
  let underWay: { readonly token: string; readonly ended: Promise<void> } | null = null;
  /** What is kept on this device can be asked without the service, and without a pass. Says whether there is any. */
  const takeKept = async (): Promise<boolean> => {
    const cards = await keptCards();
    if (cards.length > 0) page.store.update(({ models }) => ({ models: models ?? cards }));
    return cards.length > 0;
  };
  const ask = async (): Promise<void> => {
    if (!page.browser.isOnline() && (await takeKept())) return;
    try {
      const { data } = await clientOf(page).models();
      page.store.update({ models: data });
    } catch (cause) {
      if (!(await takeKept())) fail(page, cause);
    }
  };
  const load = async (): Promise<void> => {
    const { pass } = page.store.get();
    if (pass === null) return void (await takeKept());
    if (underWay?.token !== pass.token) underWay = { token: pass.token, ended: ask() };
    const own = underWay;
    await own.ended;
    if (underWay === own) underWay = null;
  };
  return {
    load,
    known: async () => {
      if (page.store.get().models === null) await load();
    },
  };
}
