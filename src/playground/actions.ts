import { createClient } from "#client/client.ts";
import { type PlaygroundPass, tradeForPass } from "#client/playground-pass.ts";
import { askOf, type Draft, type Options } from "./asking/draft.ts";
import type { Linked } from "./asking/permalink.ts";
import { type Asking, startAsking } from "./asking/run.ts";
import { keepPass, keptPass } from "./pass/keep.ts";
import type { Picture } from "./pictures/picture.ts";
import { addressedPicture, takePicture } from "./pictures/reduce.ts";
import { createPrivateDesk, type PrivateActions, type PrivateDesk } from "./private/desk.ts";
import { modelOf, type Run, type State } from "./state.ts";
import type { Store } from "./store.ts";
import { passOver, troubleOf } from "./trouble.ts";

/** What a person can do. None of them rejects: what goes wrong stands in the state. */
export interface Actions extends PrivateActions {
  ask(): Promise<void>;
  /** Breaks the connection of the question under way. */
  cut(): void;
  /** Stops it where it stands. */
  stop(): void;
  replay(): Promise<void>;
  /** Takes the answer into the conversation, so that the next question follows it. */
  followUp(): void;
  /** Begins anew; pictures and options stay. */
  newQuestion(): void;
  addFile(file: Blob, name: string): Promise<void>;
  addSample(name: string): Promise<void>;
  /** Takes over what a link brings. */
  openLink(linked: Linked): Promise<void>;
  addAddress(url: string): void;
  removePicture(id: number): void;
  setQuestion(question: string): void;
  setModel(id: string): void;
  setOptions(change: Partial<Options>): void;
  scrub(step: number | null): void;
  setHeat(heat: State["heat"]): void;
  trade(key: string): Promise<void>;
  takePass(pass: PlaygroundPass | null): void;
  /** Looks at what is kept: another tab may have a new pass, or this one was asleep. */
  refreshPass(): void;
  loadModels(): Promise<void>;
  loadQuote(): Promise<void>;
  clearTrouble(): void;
}

/** What the actions need of the browser. */
export interface Browser {
  readonly baseUrl: string;
  readonly now: () => number;
  readonly isOnline: () => boolean;
  readonly prefersReducedMotion: () => boolean;
  /** 128 random bits or more. */
  readonly newKey: () => string;
}

/** Makes the actions over a store. */
export function createActions(store: Store<State>, browser: Browser): Actions {
  const desk = createPrivateDesk(store, browser.baseUrl);
  const { setPrivate, cancelPrivate, removePrivate, lookPrivate, setOffline } = desk;
  return {
    ...{ setPrivate, cancelPrivate, removePrivate, lookPrivate, setOffline },
    ...askingActions(store, browser, desk),
    ...draftActions(store, browser),
    ...passActions(store, browser),
    scrub: (scrubbed) => store.update({ scrubbed }),
    setHeat: (heat) => store.update({ heat }),
    clearTrouble: () => store.update({ trouble: null }),
  };
}

type AskingActions = Pick<Actions, "ask" | "cut" | "stop" | "replay" | "followUp" | "newQuestion">;

function askingActions(store: Store<State>, browser: Browser, desk: PrivateDesk): AskingActions {
  let asking: Asking | null = null;
  let attempt: { readonly draft: Draft; readonly key: string } | null = null;
  const fail = failing(store, browser);
  const tell = (change: (run: Run) => Run): void =>
    store.update(({ run }) => ({ run: run === null ? null : change(run) }));
  return {
    async ask() {
      const { pass, draft, quote, private: here } = store.get();
      const isPrivate = here.isOn;
      if (asking !== null || draft.question.trim() === "") return;
      if (isPrivate ? here.phase.kind !== "ready" : !hasPass(store, browser)) return;
      // The same draft again is the same question: what was finished meanwhile is told, and charged once.
      attempt = attempt?.draft === draft ? attempt : { draft, key: browser.newKey() };
      const quotedMicros = quote?.price_micros ?? null;
      const run: Run = {
        ...{ ...newRun, question: draft.question.trim(), isPrivate },
        quotedMicros: isPrivate ? null : quotedMicros,
      };
      store.update({ run, trouble: null, scrubbed: null });
      const isCalm = browser.prefersReducedMotion();
      const pause = (ms: number): Promise<void> => (isCalm ? Promise.resolve() : sleep(ms));
      asking = isPrivate
        ? desk.begin({ tell, pause })
        : startAsking(draft, {
            ...{ baseUrl: browser.baseUrl, token: pass?.token ?? "", tell, pause },
            idempotencyKey: attempt.key,
            fetch: (input, init) => fetch(input, init),
          });
      try {
        await asking.ended;
        attempt = null;
      } catch (cause) {
        fail(cause);
      } finally {
        asking = null;
        tell((ended) => ({ ...ended, isShowing: false }));
      }
    },
    cut: () => asking?.cut(),
    stop: () => asking?.stop(),
    async replay() {
      const { run } = store.get();
      const id = run?.answer?.id;
      if (id === undefined || !hasPass(store, browser)) return;
      tell((shown) => ({ ...shown, replay: "under_way" }));
      try {
        const replay = await clientOf(store, browser).answers.replay(id);
        tell((shown) => ({ ...shown, replay }));
      } catch (cause) {
        tell((shown) => ({ ...shown, replay: null }));
        fail(cause);
      }
    },
    followUp: () =>
      store.update(({ run, draft }) => {
        if (run?.answer == null) return {};
        const turns = [...draft.turns, { question: run.question, answer: run.answer.answer }];
        return { run: null, scrubbed: null, quote: null, draft: { ...draft, turns, question: "" } };
      }),
    newQuestion: () =>
      store.update(({ draft }) => ({
        run: null,
        scrubbed: null,
        quote: null,
        trouble: null,
        draft: { ...draft, turns: [], question: "" },
      })),
  };
}

const newRun: Run = {
  question: "",
  film: null,
  isShowing: true,
  answer: null,
  quotedMicros: null,
  notes: [],
  replay: null,
  isPrivate: false,
};

type DraftActions = Pick<
  Actions,
  | "addFile"
  | "addSample"
  | "openLink"
  | "addAddress"
  | "removePicture"
  | "setQuestion"
  | "setModel"
  | "setOptions"
  | "loadModels"
  | "loadQuote"
>;

function draftActions(store: Store<State>, browser: Browser): DraftActions {
  const fail = failing(store, browser);
  /** Of the quote that is asked for: one of a draft that has changed is worth no upload. */
  let quoting = new AbortController();
  const draft = (change: (draft: Draft) => Partial<Draft>): void =>
    store.update((state) => ({ draft: { ...state.draft, ...change(state.draft) }, quote: null }));
  const add = (picture: Picture): void =>
    draft(({ pictures }) => ({ pictures: [...pictures, picture] }));
  const addFile = async (file: Blob, name: string, sample: string | null): Promise<void> => {
    try {
      const image = modelOf(store.get())?.image ?? null;
      add({ ...(await takePicture(file, name, image)), sample });
      store.update({ trouble: null });
    } catch (cause) {
      fail(cause);
    }
  };
  const addSample = async (name: string): Promise<void> => {
    try {
      const response = await fetch(`/samples/${name}`);
      if (response.ok) await addFile(await response.blob(), name, name);
    } catch (cause) {
      fail(cause);
    }
  };
  return {
    addFile: (file, name) => addFile(file, name, null),
    addSample,
    async openLink({ question, model, options, urls, samples }) {
      draft(() => ({ question, model, options, turns: [], pictures: urls.map(addressedPicture) }));
      for (const sample of samples) await addSample(sample);
    },
    addAddress: (url) => add(addressedPicture(url)),
    removePicture: (id) =>
      draft(({ pictures }) => ({ pictures: pictures.filter((picture) => picture.id !== id) })),
    setQuestion: (question) => draft(() => ({ question })),
    setModel: (model) => draft(() => ({ model })),
    setOptions: (change) => draft(({ options }) => ({ options: { ...options, ...change } })),
    async loadModels() {
      if (store.get().pass === null) return;
      try {
        const { data } = await clientOf(store, browser).models();
        store.update({ models: data });
      } catch (cause) {
        fail(cause);
      }
    },
    async loadQuote() {
      quoting.abort();
      const asked = store.get().draft;
      const { pass, private: here } = store.get();
      // Not even its words are told to anybody.
      if (here.isOn || pass === null || asked.question.trim() === "") return;
      quoting = new AbortController();
      try {
        const quote = await clientOf(store, browser).quote(askOf(asked), {
          signal: quoting.signal,
        });
        if (store.get().draft === asked) store.update({ quote });
      } catch {
        // The price is a courtesy: what is wrong with the question is said when it is asked.
        if (store.get().draft === asked) store.update({ quote: null });
      }
    },
  };
}

type PassActions = Pick<Actions, "trade" | "takePass" | "refreshPass">;

function passActions(store: Store<State>, browser: Browser): PassActions {
  const fail = failing(store, browser);
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
        fail(cause);
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

function failing(store: Store<State>, browser: Browser): (cause: unknown) => void {
  return (cause) => store.update({ trouble: troubleOf(cause, browser.isOnline()) });
}

/** Whether there is a pass that has not run out; says so where there is none. */
function hasPass(store: Store<State>, browser: Browser): boolean {
  const { pass } = store.get();
  if (pass !== null && pass.expiresAt > browser.now()) return true;
  if (pass !== null) keepPass(null);
  store.update({ pass: null, trouble: passOver });
  return false;
}

function clientOf(store: Store<State>, { baseUrl }: Browser): ReturnType<typeof createClient> {
  return createClient({ baseUrl, apiKey: store.get().pass?.token ?? "" });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
