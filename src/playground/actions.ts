import { type AskingActions, askingActions } from "./asking/asking-actions.ts";
import { type DraftActions, draftActions } from "./asking/draft-actions.ts";
import type { Browser, Page } from "./browser.ts";
import { type FieldActions, fieldActions } from "./fields/field-actions.ts";
import { createModels, type Models } from "./models.ts";
import { type PassActions, passActions } from "./pass/pass-actions.ts";
import { type PictureActions, pictureActions } from "./pictures/picture-actions.ts";
import { createPrivateDesk, type PrivateActions } from "./private/desk.ts";
import type { State } from "./state.ts";
import type { Store } from "./store.ts";

/** What a person can do. None of them rejects: what goes wrong stands in the state. */
export interface Actions
  extends PrivateActions,
    AskingActions,
    DraftActions,
    FieldActions,
    PictureActions,
    PassActions {
  loadModels: Models["load"];
  scrub(step: number | null): void;
  setHeat(heat: State["heat"]): void;
  clearTrouble(): void;
}

/** Makes the actions over a store. */
export function createActions(store: Store<State>, browser: Browser): Actions {
  const page: Page = { store, browser };
  const models = createModels(page);
  const desk = createPrivateDesk(store, browser.baseUrl);
  const { setPrivate, cancelPrivate, removePrivate, lookPrivate, setOffline } = desk;
  const pictures = pictureActions(page, models);
  return {
    ...{ setPrivate, cancelPrivate, removePrivate, lookPrivate, setOffline },
    ...askingActions(page, desk),
    ...pictures,
    ...draftActions(page, pictures),
    ...fieldActions(page, pictures),
    ...passActions(page),
    loadModels: models.load,
    scrub: (scrubbed) => store.update({ scrubbed }),
    setHeat: (heat) => store.update({ heat }),
    clearTrouble: () => store.update({ trouble: null }),
  };
}
