import { describe, expect, test } from "vitest";
import { UNTOLD_READ_STYLE } from "#domain/read-style.ts";
import { MAX_BATCH_ADDRESSES, parseBatch } from "#wire/api/answers/batch-request.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { MAX_BATCH_ITEMS } from "#wire/limits.ts";
import { jsonBody, shown } from "../../../support/bodies.ts";
import { pngBytes, untold } from "../../../support/edge-builders.ts";

function parse(body: unknown) {
  return parseBatch(jsonBody(body), untold);
}

function problemsOf(body: unknown) {
  const parsed = parse(body);
  if (parsed.ok || parsed.refusal.kind !== "invalid_request") throw new Error("was not refused");
  return parsed.refusal.problems;
}

const image = encodeBase64(pngBytes);

describe("a batch request", () => {
  test("is its items with their defaults filled in, each item's own fields first", () => {
    const parsed = parse({
      defaults: { image, canvas: 16, question: "What is this?" },
      items: [{ custom_id: "a" }, { question: "How many?", canvas: 8 }],
      webhook: "https://example.com/hook",
      deadline_ms: 60_000,
      max_price_micros: 5_000,
    });
    if (!parsed.ok) throw new Error("was refused");
    const { items, ...terms } = parsed.value;
    expect(terms).toEqual({
      webhook: { url: "https://example.com/hook", secret: null, wantsDrafts: false },
      deadlineMs: 60_000,
      maximum: 5_000n,
    });
    expect(items.map(({ customId }) => customId)).toEqual(["a", null]);
    expect(items.map(({ request }) => request.options.canvas)).toEqual([16, 8]);
    expect(items.map(({ request }) => request.messages)).toEqual([
      [{ role: "user", text: "What is this?" }],
      [{ role: "user", text: "How many?" }],
    ]);
    expect(shown(items[1]?.request.pictures ?? [])).toEqual([{ kind: "file", bytes: pngBytes }]);
  });
});

describe("a batch request with faults", () => {
  test("names each of them by item", () => {
    const items = [
      { question: "What?" },
      { question: "" },
      { question: "What?", canvas: "8" },
      { question: "What?", stream: true },
      { question: "What?", canvas: 8, steps: 9 },
      { question: "What?", colour: "red" },
    ];
    expect(problemsOf({ items }).map(({ pointer }) => pointer)).toEqual([
      "/items/1/question",
      "/items/2/canvas",
      "/items/3/stream",
      "/items/4/steps",
      "/items/5/colour",
    ]);
  });

  test("may not name two items alike", () => {
    const item = { custom_id: "a", question: "What?" };
    expect(problemsOf({ items: [item, item] })).toEqual([
      { pointer: "/items/1/custom_id", message: "is the name of an earlier item" },
    ]);
  });

  test.each([
    ["is no object", [], ""],
    ["has no items", { items: [] }, "/items"],
    ["has too many", { items: Array(MAX_BATCH_ITEMS + 1).fill({ question: "?" }) }, "/items"],
    ["has an item that is none", { items: ["What?"] }, "/items/0"],
    ["has an unknown field", { items: [{ question: "?" }], name: "x" }, "/name"],
    [
      "has an item whose frames nobody watches",
      { items: [{ question: "?", alternatives: 3 }] },
      "/items/0/alternatives",
    ],
    ["has a bad deadline", { items: [{ question: "?" }], deadline_ms: -1 }, "/deadline_ms"],
    ["has a blank name", { items: [{ question: "?", custom_id: "" }] }, "/items/0/custom_id"],
  ])("is refused where it %s", (_title, body, pointer) => {
    expect(problemsOf(body)[0]?.pointer).toBe(pointer);
  });

  test("may not make us fetch more pictures than it has items", () => {
    const images = Array(8).fill({ url: "https://example.com/a.png" });
    const items = Array(MAX_BATCH_ADDRESSES / 8 + 1).fill({ question: "?", images });
    expect(problemsOf({ items })[0]).toMatchObject({ pointer: "/items" });
  });

  test("names no more than twenty", () => {
    expect(problemsOf({ items: Array(100).fill({}) })).toHaveLength(20);
  });
});

describe("a batch request of fields", () => {
  const card = { ...untold, read: UNTOLD_READ_STYLE };
  const read = (body: unknown) => parseBatch(jsonBody(body), card);
  const boolean = { type: "boolean" } as const;

  test("reads those of its defaults in each item that names none of its own", () => {
    const parsed = read({
      defaults: { fields: { a: boolean }, abstain_below: 0.5 },
      items: [{ image }, { image, fields: { b: boolean } }],
    });
    if (!parsed.ok) throw new Error("was refused");
    const orders = parsed.value.items.map(({ request }) => request.read);
    expect(orders.map((order) => order?.fields[0]?.name)).toEqual(["a", "b"]);
    expect(orders.map((order) => order?.abstainBelow)).toEqual([0.5, 0.5]);
  });

  test("is refused as an answer would be, by the place in its item", () => {
    const twice = { type: "choice", criteria: ["a", "a "] };
    expect(
      read({ items: [{ fields: { a: boolean } }, { fields: { kind: twice } }] }),
    ).toMatchObject({
      refusal: {
        kind: "field_options_collide",
        problems: [{ pointer: "/items/1/fields/kind/criteria" }],
      },
    });
    expect(read({ items: [{ question: "" }, { fields: { kind: twice } }] })).toMatchObject({
      refusal: {
        kind: "invalid_request",
        problems: [{ pointer: "/items/0/question" }, { pointer: "/items/1/fields/kind/criteria" }],
      },
    });
  });

  test("is refused for an item whose picture has too many bytes, which is no item left out", () => {
    const large = { question: "?", image: { data: "A".repeat(14_000_000) } };
    expect(read({ items: [{ question: "?" }, large] })).toMatchObject({
      refusal: {
        kind: "invalid_request",
        problems: [{ pointer: "/items/1", message: expect.stringContaining("cannot be asked: ") }],
      },
    });
  });

  test("is refused where its defaults would be looked at hundreds of thousands of times", () => {
    const criteria = Array.from({ length: 200 }, (_, index) => `option ${index}`);
    const names = Array.from({ length: 10 }, (_, index) => [
      `f${index}`,
      { type: "choice", criteria },
    ]);
    const defaults = { image, fields: Object.fromEntries(names) };
    const items = Array.from({ length: MAX_BATCH_ITEMS }, () => ({}));
    expect(read({ defaults, items: items.slice(0, 64) }).ok).toBe(true);
    expect(read({ defaults, items })).toMatchObject({
      refusal: { kind: "invalid_request", problems: [{ pointer: "/defaults" }] },
    });
  });
});
