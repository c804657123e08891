import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Actions, createActions } from "#playground/actions.ts";
import { defaultOptions, emptyDraft, usualReading } from "#playground/asking/draft.ts";
import { waitsFor } from "#playground/asking/waits.ts";
import { idlePrivate } from "#playground/private/desk.ts";
import type { State } from "#playground/state.ts";
import { createStore, type Store } from "#playground/store.ts";
import type { ModelBody } from "#wire/api/models.ts";

/** A request that the page has made, and what it is answered. */
interface Heard {
  readonly path: string;
  readonly body: string;
  reply(response: Response): void;
}

let heard: Heard[];
/** Pictures that are opened resolve when the test says so, by their bytes. */
let opened: Map<string, PromiseWithResolvers<void>>;

beforeEach(() => {
  heard = [];
  opened = new Map();
  vi.stubGlobal("fetch", (input: string, init?: RequestInit) => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    const path = input.replace("https://unmask.test", "");
    heard.push({ path, body: String(init?.body ?? ""), reply: resolve });
    return promise;
  });
  vi.stubGlobal("createImageBitmap", async (file: Blob) => {
    await opened.get(await file.text())?.promise;
    return { width: 8, height: 8, close: () => undefined };
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const pass = { token: "token", expiresAt: 2_000 };

function page(state: Partial<State> = {}): {
  readonly store: Store<State>;
  readonly actions: Actions;
} {
  const store = createStore<State>({
    ...{ pass, models: [], draft: emptyDraft, arriving: [], quote: null, run: null, trouble: null },
    ...{ private: idlePrivate, scrubbed: null, heat: "order", fieldProblems: [] },
    ...state,
  });
  const actions = createActions(store, {
    baseUrl: "https://unmask.test",
    now: () => 1_000,
    isOnline: () => true,
    prefersReducedMotion: () => true,
    newKey: () => "key",
  });
  return { store, actions };
}

function paths(): readonly string[] {
  return heard.map(({ path }) => path);
}

/** A file that is opened when `opened` says so. */
function slowFile(name: string): Blob {
  opened.set(name, Promise.withResolvers());
  return new Blob([name], { type: "image/png" });
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe("while a picture is on its way, the question waits for it:", () => {
  test("it is not asked, nothing is quoted, and the page says what is waited for", async () => {
    const { store, actions } = page();
    actions.setQuestion("What is this?");
    const coming = actions.addSample("cat.jpg");
    await actions.ask();
    await actions.loadQuote();
    expect(store.get().run).toBeNull();
    expect(paths()).toEqual(["/samples/cat.jpg"]);
    expect(waitsFor(store.get())).toBe("cat.jpg is being made ready …");

    heard[0]?.reply(new Response("cat", { headers: { "content-type": "image/jpeg" } }));
    await coming;
    expect(waitsFor(store.get())).toBeNull();
    expect(store.get().draft.pictures).toMatchObject([{ name: "cat.jpg", sample: "cat.jpg" }]);
    void actions.ask();
    await settle();
    expect(paths()).toEqual(["/samples/cat.jpg", "/v1/answers"]);
    expect(store.get().run?.question).toBe("What is this?");
  });

  test("a price that was asked for before is none of the question's, whenever it comes", async () => {
    const { store, actions } = page();
    actions.setQuestion("What is this?");
    const quoting = actions.loadQuote();
    await settle();
    const adding = actions.addFile(slowFile("a"), "a.png");
    heard[0]?.reply(Response.json({ price_micros: 1 }));
    await quoting;
    expect(store.get().quote).toBeNull();
    opened.get("a")?.resolve();
    await adding;
  });

  test("one that cannot be read is said, and the question waits no longer; taken out, it never comes", async () => {
    const { store, actions } = page();
    const failing = actions.addFile(Promise.reject(new Error("no camera")), "camera.jpg");
    expect(waitsFor(store.get())).toContain("camera.jpg");
    await failing;
    expect(waitsFor(store.get())).toBeNull();
    expect(store.get().trouble).not.toBeNull();

    const missing = actions.addSample("cat.jpg");
    heard[0]?.reply(new Response("gone", { status: 404 }));
    await missing;
    expect(store.get().trouble?.title).toBe("The sample did not come");

    const adding = actions.addFile(slowFile("a"), "a.png");
    actions.removePicture(store.get().arriving[0]?.id ?? 0);
    expect(waitsFor(store.get())).toBeNull();
    opened.get("a")?.resolve();
    await adding;
    expect(store.get().draft.pictures).toEqual([]);
  });
});

describe("pictures", () => {
  test("stand in the order in which they were chosen, whichever was ready first", async () => {
    const { store, actions } = page();
    const adding = ["a", "b", "c"].map((name) => actions.addFile(slowFile(name), name));
    for (const name of ["c", "a", "b"]) {
      opened.get(name)?.resolve();
      await settle();
    }
    await Promise.all(adding);
    expect(store.get().draft.pictures.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  test("of a link that another one has replaced do not come into its question", async () => {
    const { store, actions } = page();
    const words = { rows: null, reading: usualReading };
    const link = { question: "?", model: null, options: defaultOptions, urls: [], ...words };
    const first = actions.openLink({ ...link, samples: ["cat.jpg"] });
    const second = actions.openLink({ ...link, samples: ["cup.jpg"] });
    for (const one of heard)
      one.reply(new Response("x", { headers: { "content-type": "image/jpeg" } }));
    await Promise.all([first, second]);
    expect(store.get().draft.pictures.map(({ name }) => name)).toEqual(["cup.jpg"]);
  });

  test("are made small once it is known what the model sees, and anew for a model that sees otherwise", async () => {
    const { store, actions } = page({ models: null });
    const adding = actions.addFile(new Blob(["a"], { type: "image/png" }), "a.png");
    await settle();
    expect(paths()).toEqual(["/v1/models"]);
    expect(store.get().draft.pictures).toEqual([]);
    heard[0]?.reply(
      Response.json({ object: "list", data: [model("small", 96), model("large", 2304)] }),
    );
    await adding;
    const [before] = store.get().draft.pictures;
    expect(before?.name).toBe("a.png");
    const changing = actions.setModel("large");
    expect(waitsFor(store.get())).toContain("a.png");
    await changing;
    const [after] = store.get().draft.pictures;
    expect([after?.id, after?.name]).toEqual([before?.id, "a.png"]);
    expect(after).not.toBe(before);
  });
});

describe("asked without sending", () => {
  const draft = { ...emptyDraft, question: "What is this?" };
  const phases: readonly State["private"]["phase"][] = [
    { kind: "idle" },
    { kind: "loading", load: null },
    { kind: "failed", fault: { kind: "offline" } },
  ];

  test.each(phases)("nothing is sent while the model is not here ($kind)", async (phase) => {
    const { store, actions } = page({ draft, private: { ...idlePrivate, isOn: true, phase } });
    await actions.ask();
    expect([store.get().run, paths()]).toEqual([null, []]);
    expect(waitsFor(store.get())).not.toBeNull();
  });

  test("one model does not answer in the name of another", async () => {
    const loaded = { ...{ digest: "", version: "", bytes: 1, mended: 0 }, isKept: true };
    const phase = {
      ...({ kind: "ready", modelId: "small" } as const),
      loaded: { ...loaded, provider: "wasm" },
    } as const;
    const { store, actions } = page({
      draft: { ...draft, model: "large" },
      models: [model("small", 96), model("large", 2304)],
      private: { ...idlePrivate, isOn: true, phase },
    });
    await actions.ask();
    expect([store.get().run, paths()]).toEqual([null, []]);
    expect(waitsFor(store.get())).toContain("small is on this device, and large is asked");
  });
});

test("what is written while an answer is made is the follow-up, and a replay that comes late is none of the next answer", async () => {
  const run = { number: 0, question: "What is this?", film: null, isShowing: false };
  const { store, actions } = page({
    draft: { ...emptyDraft, question: "And what color?" },
    run: {
      ...{ ...run, quotedMicros: null, notes: [], replay: null, isPrivate: false, reading: null },
      answer: { id: "ans_1", answer: "A cat." } as NonNullable<State["run"]>["answer"],
    },
  });
  const replaying = actions.replay();
  await settle();
  actions.followUp();
  expect(store.get().draft).toMatchObject({
    question: "And what color?",
    turns: [{ question: "What is this?", answer: "A cat." }],
  });
  void actions.ask();
  await settle();
  heard[0]?.reply(Response.json({ object: "answer.replay", same: true }));
  await replaying;
  expect(store.get().run).toMatchObject({ question: "And what color?", replay: null });
});

/** What pictures are made small by. */
function model(id: string, side: number): ModelBody {
  const image = { recommended_max_pixels: side * side, recommended_max_side: side };
  return { id, image } as ModelBody;
}
