import { clientOf, fail, hasPass, type Page } from "../browser.ts";
import { fieldProblemsOf } from "../fields/problems.ts";
import { openReading } from "../fields/reading.ts";
import type { PrivateDesk } from "../private/desk.ts";
import type { Run } from "../state.ts";
import { type Draft, isBlank } from "./draft.ts";
import { type Asking, startAsking } from "./run.ts";
import { waitsFor } from "./waits.ts";

/** What a person can do about a question once it is written. */
export interface AskingActions {
  /** Asks the draft as it stands; nothing, while that waits for something. */
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
}

export function askingActions(page: Page, desk: PrivateDesk): AskingActions {
  const { store, browser } = page;
  let asking: Asking | null = null;
  let attempt: { readonly draft: Draft; readonly key: string } | null = null;
  let count = 0;
  const pause = (ms: number): Promise<void> =>
    browser.prefersReducedMotion() ? Promise.resolve() : sleep(ms);
  const begin = (draft: Draft, key: string, tell: Tell): Asking => {
    const { pass, private: here } = store.get();
    if (here.isOn) return desk.begin({ tell, pause });
    return startAsking(draft, {
      ...{ baseUrl: browser.baseUrl, token: pass?.token ?? "", tell, pause },
      idempotencyKey: key,
      fetch: (input, init) => fetch(input, init),
    });
  };
  return {
    async ask() {
      const state = store.get();
      const { draft, quote } = state;
      const isPrivate = state.private.isOn;
      if (asking !== null || isBlank(draft) || waitsFor(state) !== null) return;
      if (!isPrivate && !hasPass(page)) return;
      // The same draft again is the same question: what was finished meanwhile is told, and charged once.
      attempt = attempt?.draft === draft ? attempt : { draft, key: browser.newKey() };
      count += 1;
      const run: Run = {
        ...{ ...newRun, number: count, question: draft.question.trim(), isPrivate },
        quotedMicros: isPrivate ? null : (quote?.price_micros ?? null),
        reading: draft.wants === "values" ? openReading(draft.rows) : null,
      };
      store.update({ run, trouble: null, scrubbed: null });
      const tell = telling(page, run);
      try {
        asking = begin(draft, attempt.key, tell);
        await asking.ended;
        attempt = null;
      } catch (cause) {
        store.update({ fieldProblems: fieldProblemsOf(cause) });
        fail(page, cause);
      } finally {
        asking = null;
        tell((ended) => ({ ...ended, isShowing: false }));
      }
    },
    cut: () => asking?.cut(),
    stop: () => asking?.stop(),
    replay: () => replay(page),
    followUp: () =>
      store.update(({ run, draft }) => {
        if (run?.answer == null) return {};
        const turns = [...draft.turns, { question: run.question, answer: run.answer.answer }];
        return { ...nothingAsked, draft: { ...draft, turns, question: writtenSince(run, draft) } };
      }),
    newQuestion: () =>
      store.update(({ run, draft }) => ({
        ...nothingAsked,
        trouble: null,
        draft: { ...draft, turns: [], question: writtenSince(run, draft) },
      })),
  };
}

type Tell = (change: (run: Run) => Run) => void;

/** Tells a run what becomes of it, for as long as it is the one that is shown. */
function telling({ store }: Page, { number }: Run): Tell {
  return (change) =>
    store.update(({ run }) => (run?.number === number ? { run: change(run) } : {}));
}

async function replay(page: Page): Promise<void> {
  const { run } = page.store.get();
  const id = run?.answer?.id;
  if (run === null || id === undefined || !hasPass(page)) return;
  const tell = telling(page, run);
  tell((shown) => ({ ...shown, replay: "under_way" }));
  try {
    const replay = await clientOf(page).answers.replay(id);
    tell((shown) => ({ ...shown, replay }));
  } catch (cause) {
    tell((shown) => ({ ...shown, replay: null }));
    if (page.store.get().run?.number === run.number) fail(page, cause);
  }
}

const nothingAsked = { run: null, scrubbed: null, quote: null } as const;

/** The question that was written while the last one was answered, if there is one. */
function writtenSince(run: Run | null, { question }: Draft): string {
  // What was said about the pictures beside values goes with these, which stay.
  if (run?.reading != null) return question;
  return question.trim() === run?.question ? "" : question;
}

const newRun: Omit<Run, "number"> = {
  question: "",
  film: null,
  isShowing: true,
  answer: null,
  quotedMicros: null,
  notes: [],
  replay: null,
  isPrivate: false,
  reading: null,
};

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
