import { clientOf, fail, type Page } from "./browser.ts";

/** The cards of the models that can be asked. */
export interface Models {
  /** Asks for them, once at a time. */
  load(): Promise<void>;
  /** Resolves when they are known, or cannot be known now: how small a picture is made depends on them. */
  known(): Promise<void>;
}

export function createModels(page: Page): Models {
  let underWay: { readonly token: string; readonly ended: Promise<void> } | null = null;
  const ask = async (): Promise<void> => {
    try {
      const { data } = await clientOf(page).models();
      page.store.update({ models: data });
    } catch (cause) {
      fail(page, cause);
    }
  };
  const load = async (): Promise<void> => {
    const { pass } = page.store.get();
    if (pass === null) return;
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
