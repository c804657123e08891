import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NamedField } from "#domain/fields.ts";
import { answerModes } from "#domain/modes.ts";
import type { AnswerOptions, ReadOrder } from "#domain/question.ts";
import type { ReadStyle } from "#domain/read-style.ts";
import { type CacheTerms, cacheKeyOf, frameCacheTerms } from "#edge/cache/cache-key.ts";
import { options } from "../../support/edge-builders.ts";

const text = fc.string({ maxLength: 12 });
const digest = fc.stringMatching(/^[0-9a-f]{8}$/);

const anyOptions: fc.Arbitrary<AnswerOptions> = fc
  .record({
    detail: fc.constantFrom("low" as const, "auto" as const),
    canvas: fc.integer({ min: 1, max: 64 }),
    steps: fc.integer({ min: 1, max: 64 }),
    blockLength: fc.integer({ min: 1, max: 64 }),
    mode: fc.constantFrom(...answerModes),
    refresh: fc.integer({ min: 1, max: 32 }),
    commit: fc.oneof(
      fc.constant({ rule: "schedule" as const }),
      fc.record({
        rule: fc.constant("entropy" as const),
        bound: fc.double({ min: 0, max: 1, noNaN: true }),
        gaps: fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { maxLength: 3 }),
      }),
    ),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    seed: fc.nat(),
    stop: fc.array(text, { maxLength: 3 }),
    suffix: fc.option(text, { nil: undefined }),
  })
  .map(({ suffix, ...rest }) => (suffix === undefined ? rest : { ...rest, suffix }));

const anyTerms: fc.Arbitrary<CacheTerms> = fc.record({
  pool: fc.oneof(
    fc.constant({ kind: "shared" as const }),
    fc
      .tuple(text, fc.option(text))
      .map(([accountId, owner]) => ({ kind: "private" as const, accountId, owner })),
  ),
  model: text,
  modelDigest: digest,
  decoder: text,
  pictures: fc.array(digest, { maxLength: 3 }),
  messages: fc.array(
    fc
      .record({
        role: fc.constantFrom("system" as const, "user" as const),
        text,
        pictures: fc.integer({ min: 0, max: 3 }),
      })
      .map(({ pictures, ...message }) => (pictures === 0 ? message : { ...message, pictures })),
    { maxLength: 3 },
  ),
  options: anyOptions,
});

const read: ReadOrder = {
  fields: [
    {
      name: "kind",
      field: { type: "choice", options: [{ value: "cat" }, { value: "dog" }], none: true },
    },
    { name: "label", field: { type: "text", maxTokens: 8 } },
  ],
  ...{ abstainBelow: 0.5, onTruncate: "keep" },
};

const terms: CacheTerms = {
  pool: { kind: "private", accountId: "acc_1", owner: null },
  model: "unmask-demo",
  modelDigest: "ab".repeat(32),
  decoder: "1",
  pictures: ["11".repeat(32), "22".repeat(32)],
  messages: [
    { role: "system", text: "Be brief." },
    { role: "user", text: "What is this?" },
  ],
  options: options({ stop: ["a", "b"] }),
};

/** Every way to write the terms down that a careless key would take for the same. */
const neighbours: readonly [string, CacheTerms][] = [
  ["another account", { ...terms, pool: { kind: "private", accountId: "acc_2", owner: null } }],
  [
    "a subject of the account",
    { ...terms, pool: { kind: "private", accountId: "acc_1", owner: "sub:a" } },
  ],
  [
    "a subject without a name",
    { ...terms, pool: { kind: "private", accountId: "acc_1", owner: "" } },
  ],
  ["the shared pool", { ...terms, pool: { kind: "shared" } }],
  [
    "an account that is named like the pool",
    { ...terms, pool: { kind: "private", accountId: "shared", owner: null } },
  ],
  ["another model", { ...terms, model: "llada-v" }],
  ["other weights", { ...terms, modelDigest: "ac".repeat(32) }],
  ["another decoder", { ...terms, decoder: "2" }],
  ["the pictures in another order", { ...terms, pictures: terms.pictures.toReversed() }],
  ["a picture twice", { ...terms, pictures: [...terms.pictures, "22".repeat(32)] }],
  ["two pictures run together", { ...terms, pictures: ["11".repeat(32) + "22".repeat(32)] }],
  [
    "a picture that a later message brings",
    { ...terms, messages: terms.messages.map((message) => ({ ...message, pictures: 1 })) },
  ],
  ["no pictures", { ...terms, pictures: [] }],
  [
    "the system's words said by the user",
    { ...terms, messages: terms.messages.map((message) => ({ ...message, role: "user" })) },
  ],
  [
    "a word moved from one message to the next",
    {
      ...terms,
      messages: [
        { role: "system", text: "Be" },
        { role: "user", text: " brief.What is this?" },
      ],
    },
  ],
  ["two stops run together", { ...terms, options: options({ stop: ["ab"] }) }],
  ["a stop that became the suffix", { ...terms, options: options({ stop: ["a"], suffix: "b" }) }],
  [
    "an empty suffix in place of none",
    { ...terms, options: options({ stop: ["a", "b"], suffix: "" }) },
  ],
  ...(
    [
      ["detail", "low"],
      ["canvas", 8],
      ["steps", 4],
      ["blockLength", 2],
      ["temperature", 0.5],
      ["seed", 1],
    ] as const
  ).map(([name, value]): [string, CacheTerms] => [
    `another ${name}`,
    { ...terms, options: { ...terms.options, [name]: value } },
  ]),
];

const style: ReadStyle = { style: "lines" };
const readTerms: CacheTerms = { ...terms, reading: { order: read, style } };

const [kind, label] = read.fields as [NamedField, NamedField];

/** Readings of the same pictures that are none of each other. */
const otherReadings: readonly [string, ReadOrder][] = [
  ["the fields in another order", { ...read, fields: [label, kind] }],
  ["a field by another name", { ...read, fields: [{ ...kind, name: "sort" }, label] }],
  ["a field less", { ...read, fields: [kind] }],
  ["the options in another order", { ...read, fields: [withOptions(["dog", "cat"]), label] }],
  [
    "another room",
    { ...read, fields: [kind, { name: "label", field: { type: "text", maxTokens: 9 } }] },
  ],
  ["another threshold", { ...read, abstainBelow: 0 }],
  ["fewer passes", { ...read, openPasses: 1 }],
  ["texts that are written again", { ...read, onTruncate: "widen" }],
];

function withOptions(values: readonly string[]): NamedField {
  const options = values.map((value) => ({ value }));
  return { name: "kind", field: { type: "choice", options, none: true } };
}

describe("a cache key of fields", () => {
  test.each(otherReadings)("differs for %s", async (_, other) => {
    expect(await cacheKeyOf({ ...terms, reading: { order: other, style } })).not.toBe(
      await cacheKeyOf(readTerms),
    );
  });

  test("differs for a model that is asked otherwise", async () => {
    const sentence: ReadStyle = { style: "sentence", yes: "Yes.", no: "No." };
    expect(await cacheKeyOf({ ...terms, reading: { order: read, style: sentence } })).not.toBe(
      await cacheKeyOf(readTerms),
    );
  });

  test("is none of the same question in words, whose key is what it was before there were fields", async () => {
    expect(await cacheKeyOf(readTerms)).not.toBe(await cacheKeyOf(terms));
    expect(await cacheKeyOf(terms)).toBe(
      "90632a31e8edba268d43f7a667a71b45a049172b76050209d5a1eea3aa11d796",
    );
  });

  test("is the same however the members of a field are written", async () => {
    const field = { none: true, options: [{ value: "cat" }, { value: "dog" }], type: "choice" };
    const fields = [{ field, name: "kind" } as NamedField, label];
    expect(await cacheKeyOf({ ...terms, reading: { order: { ...read, fields }, style } })).toBe(
      await cacheKeyOf(readTerms),
    );
  });
});

describe("a cache key", () => {
  test.each(neighbours)("differs for %s", async (_, neighbour) => {
    expect(await cacheKeyOf(neighbour)).not.toBe(await cacheKeyOf(terms));
  });

  test("is 64 hex digits, and the same for the same terms whatever the order of their members", async () => {
    const { pool, options: asked, ...rest } = terms;
    const shuffled = {
      options: Object.fromEntries(Object.entries(asked).toReversed()),
      ...rest,
      pool,
    };
    const key = await cacheKeyOf(terms);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(await cacheKeyOf(shuffled as unknown as CacheTerms)).toBe(key);
  });

  test("is written injectively: only equal terms have equal bytes", () => {
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(anyTerms, (any) => {
        const bytes = frameCacheTerms(any).join();
        const known = seen.get(bytes);
        // JSON with sorted members tells terms apart just as well, only slower and longer.
        const told = JSON.stringify(any, Object.keys(flat(any)).toSorted());
        seen.set(bytes, told);
        expect(known ?? told).toBe(told);
      }),
    );
  });

  test("cannot be kept by moving a byte across a border between two texts", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 8 }), text, (left, right) => {
        const before = { ...terms, model: left, decoder: right };
        const after = { ...terms, model: left.slice(0, -1), decoder: left.slice(-1) + right };
        expect(frameCacheTerms(after)).not.toEqual(frameCacheTerms(before));
      }),
    );
  });
});

/** All names that occur anywhere in the terms. */
function flat(value: object): Record<string, true> {
  const names: Record<string, true> = {};
  JSON.stringify(value, (name, inner: unknown) => {
    names[name] = true;
    return inner;
  });
  return names;
}
