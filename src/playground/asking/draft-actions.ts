import { clientOf, type Page } from "../browser.ts";
import { fieldProblemsOf } from "../fields/problems.ts";
import type { PictureActions } from "../pictures/picture-actions.ts";
import { addressedPicture } from "../pictures/reduce.ts";
import { modelOf } from "../state.ts";
import { askOf, type Draft, isBlank, type Options } from "./draft.ts";
import type { Linked } from "./permalink.ts";
import { waitsForNames, waitsForPictures } from "./waits.ts";

/** What a person can do about a question while it is written. */
export interface DraftActions {
  /** Takes over what a link brings. */
  openLink(linked: Linked): Promise<void>;
  setQuestion(question: string): void;
  setModel(id: string): Promise<void>;
  setOptions(change: Partial<Options>): void;
  /** Asks what the draft as it stands costs; nothing, while that waits for a picture. */
  loadQuote(): Promise<void>;
}

export function draftActions(page: Page, pictures: PictureActions): DraftActions {
  const { store } = page;
  /** Of the quote that is asked for: one of a draft that has changed is worth no upload. */
  let quoting = new AbortController();
  const draft = (change: (draft: Draft) => Partial<Draft>): void =>
    store.update((state) => ({ draft: { ...state.draft, ...change(state.draft) }, quote: null }));
  return {
    async openLink({ question, model, options, urls, samples, rows, reading }) {
      const values = { wants: "values", rows: rows ?? [], reading } as const;
      const wanted = rows === null ? ({ wants: "words" } as const) : values;
      draft(() => ({ question, model, options, turns: [], ...wanted }));
      await pictures.replacePictures(urls.map(addressedPicture), samples);
    },
    setQuestion: (question) => draft(() => ({ question })),
    async setModel(model) {
      const before = sightOf(page);
      draft(() => ({ model }));
      if (sightOf(page) !== before) await pictures.retakePictures();
    },
    setOptions: (change) => draft(({ options }) => ({ options: { ...options, ...change } })),
    async loadQuote() {
      quoting.abort();
      const { draft: asked, pass, private: here } = store.get();
      const isAsked = (): boolean =>
        store.get().draft === asked && waitsForPictures(store.get()) === null;
      const isWhole = !isBlank(asked) && waitsForNames(asked) === null;
      // Asked without sending, not even its words are told to anybody.
      if (here.isOn || pass === null || !isWhole || !isAsked()) return;
      quoting = new AbortController();
      try {
        const quote = await clientOf(page).quote(askOf(asked), { signal: quoting.signal });
        if (isAsked()) store.update({ quote, fieldProblems: [] });
      } catch (cause) {
        // The price is a courtesy: what is wrong with the question is said when it is asked; with a value, where that stands.
        if (isAsked()) store.update({ quote: null, fieldProblems: fieldProblemsOf(cause) });
      }
    },
  };
}

/** How large the pictures are that the model looks at, so that two models can be told apart by it. */
function sightOf({ store }: Page): string {
  const { recommended_max_pixels, recommended_max_side } = modelOf(store.get())?.image ?? {};
  return `${recommended_max_pixels} ${recommended_max_side}`;
}
