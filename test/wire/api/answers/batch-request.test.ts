import { describe, expect, test } from "vitest";
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
