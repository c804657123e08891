import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FleetMemory } from "#edge/fleet/fleet-memory.ts";
import { LAST_WORD_MS, ModelCatalog, readModels } from "#edge/models/catalog.ts";
import { MODEL_MS } from "#edge/models/heard-word.ts";
import { digestServed, fleetServing } from "#edge/models/serving.ts";
import type { Settings } from "#edge/settings.ts";
import { modelCardsSchema } from "#wire/function/model-card.ts";
import type { ModelCard as ToldCard } from "#wire/function/status.ts";
import { untoldByFunction } from "../../support/edge-builders.ts";

const A = "https://a.test";
const B = "https://b.test";

function card(id: string, overrides: Partial<ToldCard> = {}): ToldCard {
  return {
    ...{ id, digest: `digest of ${id}`, image: null, vision: null, max_prompt_length: 1024 },
    ...untoldByFunction,
    ...{ provider: "cpu", format: "f32", work: { view: 0, linear: 1e9, attention: 1 } },
    ...overrides,
  };
}

/** Functions by their addresses: what each tells, or that it is away. */
let functions: Record<string, ToldCard | "away">;
let catalog: ModelCatalog;
let asked: string[];
let now: number;

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now });
  functions = { [A]: card("alpha"), [B]: card("beta") };
  catalog = new ModelCatalog();
  asked = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const { url } = new Request(input, init);
    asked.push(url);
    const said = functions[new URL(url).origin];
    if (said === undefined || said === "away") throw new TypeError("connection refused");
    return Response.json(said);
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const caller = { FLEET: env.FLEET, requestId: "req_1", waitUntil: (): void => {} };

/** Addresses of the functions that serve a model. */
async function serving(
  model: string,
  own = settings(),
  heard = catalog,
): Promise<readonly string[]> {
  const { functions } = await fleetServing(model, own, caller, {
    catalog: heard,
    fleet: new FleetMemory(),
  });
  return functions.map(({ url }) => url);
}

function settings(overrides: Partial<Settings> = {}): Settings {
  return {
    ...{ functionUrls: [A, B], functionKeys: [], canaries: {}, cards: {}, model: undefined },
    ...overrides,
  } as unknown as Settings;
}

function later(milliseconds: number): void {
  now += milliseconds;
  vi.setSystemTime(now);
}

const find = async (name?: string, own = settings()) =>
  (await readModels(own, caller, { catalog })).find(name);

describe("a model is found", () => {
  test("by its name, where a function serves it, with the card that the function tells", async () => {
    expect([await find("alpha"), await find("beta")]).toMatchObject([
      { value: { id: "alpha", image: null } },
      { value: { id: "beta" } },
    ]);
    expect(asked).toEqual([`${A}/v1/model`, `${B}/v1/model`]);
  });

  test("without a name: the usual one, or the only one; of several one must be named", async () => {
    expect(await find(undefined, settings({ model: "beta" }))).toMatchObject({
      value: { id: "beta" },
    });
    expect(await find(undefined, settings({ functionUrls: [A] }))).toMatchObject({
      value: { id: "alpha" },
    });
    expect(await find(undefined)).toMatchObject({
      refusal: {
        kind: "invalid_request",
        problems: [{ pointer: "/model", message: "is missing: name one of alpha, beta" }],
      },
    });
  });

  test("with what the settings say otherwise", async () => {
    const cards = modelCardsSchema.parse({ alpha: { mode: "exact" }, constructor: {} });
    expect(await find("alpha", settings({ cards }))).toMatchObject({ value: { mode: "exact" } });
  });

  test("not where all functions serve others: the refusal lists them", async () => {
    const refusal = { kind: "unknown_model", model: "gpt", known: ["alpha", "beta"] };
    expect(await find("gpt")).toEqual({ ok: false, refusal });
    expect(await find(undefined, settings({ model: "gpt" }))).toEqual({ ok: false, refusal });
  });
});

describe("a function that is away", () => {
  test("refuses what it may serve as unreachable, and nothing else", async () => {
    functions[B] = "away";
    expect(await find("alpha")).toMatchObject({ ok: true });
    expect(await find("beta")).toEqual({ ok: false, refusal: { kind: "function_unreachable" } });
    // Whether alpha is the only one, nobody knows.
    expect(await find(undefined)).toMatchObject({ refusal: { kind: "function_unreachable" } });
  });

  test("is remembered for ten minutes, in which its questions can be priced; its weights are not vouched for", async () => {
    await find("beta");
    functions[B] = "away";
    later(LAST_WORD_MS - 1);
    expect(await find("beta")).toMatchObject({ ok: true });
    expect(await serving("beta")).toEqual([B]);
    expect(
      await digestServed("beta", settings(), caller, { answerId: "ans_1", catalog }),
    ).toBeUndefined();
    later(1);
    expect(await find("beta")).toMatchObject({ refusal: { kind: "function_unreachable" } });
    expect(await serving("beta")).toEqual([]);
  });

  test("is known by what the settings say of its model, where that is a whole card", async () => {
    functions[A] = "away";
    const whole = { image: null, price_picos: { view: 1, linear: 1, attention: 1 } };
    const own = settings({
      functionUrls: [A],
      cards: modelCardsSchema.parse({ gamma: whole, delta: { mode: "exact" } }),
    });
    expect(await find("gamma", own)).toMatchObject({ value: { id: "gamma" } });
    expect(await find("delta", own)).toMatchObject({ ok: false });
    functions[A] = card("alpha");
    later(MODEL_MS);
    expect(await find("gamma", own)).toMatchObject({ refusal: { known: ["alpha"] } });
  });

  test("of an earlier version, which tells no card that could be priced, is outdated", async () => {
    const { work: _, ...before } = card("alpha");
    functions[A] = before;
    const own = settings({ functionUrls: [A] });
    expect(await find("alpha", own)).toMatchObject({ refusal: { kind: "function_outdated" } });
  });
});

describe("a function that has another model by now", () => {
  test("is heard within five seconds, and then serves the old one no more", async () => {
    await find("beta");
    functions[B] = card("gamma");
    later(MODEL_MS);
    expect([await find("gamma"), await find("beta")]).toMatchObject([
      { ok: true },
      { refusal: { kind: "unknown_model", known: ["alpha", "gamma"] } },
    ]);
    expect(await serving("gamma")).toEqual([B]);
  });
});

test("two functions of one model are one model, served by both; a lone function is asked by nobody where it goes", async () => {
  functions[B] = card("alpha", { digest: "other" });
  const models = await readModels(settings(), caller, { catalog });
  expect(models.served.map(({ told }) => told.digest)).toEqual(["digest of alpha"]);
  expect(await serving("alpha")).toEqual([A, B]);
  asked = [];
  const lone = settings({ functionUrls: [A] });
  expect(await serving("anything", lone, new ModelCatalog())).toEqual([A]);
  expect(asked).toEqual([]);
});
