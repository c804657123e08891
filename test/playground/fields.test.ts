import { expect, test } from "vitest";
import type { AnswerUpdate } from "#client/answer-stream.ts";
import { RefusedError } from "#client/errors.ts";
import { checkNamedFields } from "#domain/check-fields.ts";
import { type FieldType, fieldTypes } from "#domain/fields.ts";
import { askOf, type Draft, defaultOptions, emptyDraft } from "#playground/asking/draft.ts";
import { linkedOf, linkProblem, permalink } from "#playground/asking/permalink.ts";
import { fieldsBodyOf, MAX_LINKED_FIELDS, rowsOf } from "#playground/fields/fields-body.ts";
import { presets } from "#playground/fields/presets.ts";
import { fieldProblemsOf, problemsOfRow, refusedWords } from "#playground/fields/problems.ts";
import { openReading, readingAfter, showReading } from "#playground/fields/reading.ts";
import { sharesOf, stateWords, valueWords } from "#playground/fields/reading-words.ts";
import {
  type FieldRow,
  freeName,
  moved,
  nameProblem,
  newRow,
  optionsIn,
  typesOf,
} from "#playground/fields/rows.ts";
import { writeKotlin } from "#playground/snippets/kotlin.ts";
import { writePython } from "#playground/snippets/python.ts";
import { shownRequest } from "#playground/snippets/request.ts";
import { writeSwift } from "#playground/snippets/swift.ts";
import { writeTypescript } from "#playground/snippets/typescript.ts";
import type { Run } from "#playground/state.ts";
import type { ClosedFieldBody, OpenFieldBody } from "#wire/api/answers/fields/field-body.ts";
import { fieldsBodySchema } from "#wire/api/answers/fields/fields-body.ts";
import { namedFieldsOf } from "#wire/api/answers/fields/read-order.ts";
import type { Problem } from "#wire/error.ts";

/** One row of each type, with all that it can have. */
const rows: readonly FieldRow[] = [
  newRow({ name: "damaged", instructions: "Is it damaged?", yes: "a crack", no: " whole " }),
  newRow({
    ...{ name: "kind", type: "choice", none: true },
    options: "guinea pig\n  a small\n\n\trodent\n vase ",
  }),
  newRow({ name: "state", type: "score", options: "new\nused\n  by anybody" }),
  newRow({ name: "price", type: "number", minimum: 0, maximum: 99, decimals: 2, required: true }),
  newRow({ name: "taken", type: "date", required: true }),
  newRow({ name: "at", type: "time", seconds: true }),
  newRow({ name: "until", type: "datetime", required: true }),
  newRow({ name: "label", type: "text", maxTokens: 6, required: true }),
  newRow({ name: "colors", type: "list", options: "red\nblue", maxItems: 2 }),
  newRow({ name: "__proto__", type: "list" }),
];

const reading = { abstainBelow: 0.5, passes: 3, onTruncate: "widen" } as const;
const draft: Draft = { ...emptyDraft, wants: "values", rows, reading };

const withoutIds = (all: readonly FieldRow[] | null) => all?.map(({ id: _, ...row }) => row);

test("rows of each type are fields that the service takes, in their order", () => {
  const parsed = fieldsBodySchema.parse(fieldsBodyOf(rows));
  const named = namedFieldsOf(parsed);
  if (!named.ok) throw new Error("the fields are refused");
  expect(checkNamedFields(named.value)).toEqual({ ok: true, value: undefined });
  expect(named.value.map(({ name }) => name)).toEqual(rows.map(({ name }) => name));
});

test("values are asked without what shapes words, and words without what belongs to values", () => {
  const options = { ...defaultOptions, canvas: 8, steps: 4, stop: ".", temperature: 1, seed: 3 };
  const asked = askOf({ ...draft, options, question: " A shelf. " });
  expect(Object.keys(asked)).toEqual([
    ...["question", "fields", "abstain_below", "passes", "on_truncate"],
  ]);
  expect(asked.question).toBe("A shelf.");
  expect(askOf({ ...draft, wants: "words", question: "What?" })).toEqual({ question: "What?" });
});

test("a link brings the values back, with how likely they have to be", () => {
  const linked = linkedOf(new URL(permalink(draft, "https://unmask.example")).hash);
  expect(JSON.stringify(fieldsBodyOf(linked?.rows ?? []))).toBe(JSON.stringify(fieldsBodyOf(rows)));
  expect(linked?.reading).toEqual(reading);
});

test("what an option means stands indented below it, and what yes and no mean beside them", () => {
  const { damaged, kind, state, at, label } = fieldsBodyOf(rows);
  expect(damaged).toMatchObject({ criteria: { true: "a crack", false: "whole" } });
  const criteria = [{ value: "guinea pig", description: "a small rodent" }, "vase"];
  expect(kind).toEqual({ type: "choice", criteria, none: true });
  expect(state).toMatchObject({ criteria: ["new", { value: "used", description: "by anybody" }] });
  expect([at, label]).toMatchObject([{ seconds: true }, { required: true, max_tokens: 6 }]);
  // A list that was pasted from where it was set in as a whole.
  expect(optionsIn("    cat\n      that purrs\n    dog")).toEqual([
    { value: "cat", description: "that purrs" },
    { value: "dog", description: "" },
  ]);
  expect(optionsIn(" \n")).toEqual([]);
});

test("the fields of a link may have their options as an object, or over several lines", () => {
  const kind = { type: "choice", criteria: { "guinea\n  pig": "a small\nrodent", vase: null } };
  expect(rowsOf(JSON.stringify({ kind }))?.[0]?.options).toBe("guinea pig\n  a small rodent\nvase");
});

test("a link has no more values than an address holds, and none from anywhere is read beyond that", () => {
  expect(linkProblem(draft)).toBeNull();
  const long = newRow({ name: "a", instructions: "?".repeat(MAX_LINKED_FIELDS) });
  expect(linkProblem({ ...draft, rows: [long] })).toContain("too many for a link");
  expect(rowsOf(JSON.stringify(fieldsBodyOf([long])))).toBeNull();
});

test.each(["", "[]", "7", "{", "null"])("%j in a link is no values", (text) => {
  expect(rowsOf(text)).toBeNull();
});

test("what cannot be read of a linked value is left to the usual", () => {
  const odd = { a: { type: "psychic", minimum: "0", criteria: [7, { value: "x" }] }, b: 3 };
  expect(withoutIds(rowsOf(JSON.stringify(odd)))).toEqual(
    withoutIds([newRow({ name: "a", options: "\nx" })]),
  );
});

test("a row moves no further than to either end, and a new one has a name of its own", () => {
  const [a, b, c] = [newRow({ name: "a" }), newRow({ name: "b" }), newRow({ name: "value_4" })];
  const names = (all: readonly FieldRow[]) => all.map(({ name }) => name).join(" ");
  expect(names(moved([a, b, c], a.id, 1))).toBe("b a value_4");
  expect(names(moved([a, b, c], a.id, 9))).toBe("b value_4 a");
  expect(names(moved([a, b, c], a.id, -1))).toBe("a b value_4");
  expect(freeName([a, b, c])).toBe("value_5");
});

test("names that are missing, odd, or there twice are said at their row", () => {
  const all = ["", "a b", "x", " x "].map((name) => newRow({ name }));
  expect(all.map((row) => nameProblem(row, all))).toEqual([
    expect.stringContaining("needs a name"),
    expect.stringContaining("letters, digits"),
    null,
    expect.stringContaining("Another value"),
  ]);
});

test("a refusal is said at the row that its pointer names, and at no row that is called alike", () => {
  const errors = [
    { pointer: "/fields/kind/criteria", message: "an option is empty" },
    { pointer: "/fields/kind.2", message: "send a question" },
  ];
  const problem = { code: "fields_invalid", detail: "", errors } as unknown as Problem;
  const problems = fieldProblemsOf(new RefusedError(problem));
  const said = (type: FieldType) => problemsOfRow(newRow({ name: "kind", type }), problems);
  expect([said("choice"), said("score"), said("boolean")]).toEqual([
    ["Options: an option is empty"],
    ["Levels: an option is empty"],
    ["What yes and no mean: an option is empty"],
  ]);
  expect(problemsOfRow(newRow({ name: "kind.2" }), problems)).toEqual(["send a question"]);
  expect(fieldProblemsOf(new Error("no refusal"))).toEqual([]);
});

test("beside the price stands why there is none: what is set under Advanced, or which value says it itself", () => {
  const refusal = (...errors: readonly { pointer: string; message: string }[]) =>
    fieldProblemsOf(new RefusedError({ code: "invalid_request", errors } as unknown as Problem));
  const own = [newRow({ name: "a" }), newRow({ name: "b", type: "choice" })];
  const atRow = { pointer: "/fields/b/criteria/1/value", message: "too long" };
  const beside = { pointer: "/abstain_below", message: "must be at most 1" };
  expect(refusedWords(refusal(atRow), own)).toBe("Value 2 cannot be read as it stands.");
  expect(refusedWords(refusal(atRow, beside), own)).toBe("Abstain below: must be at most 1");
  expect(refusedWords(refusal({ pointer: "/fields", message: "too many" }), own)).toBe(
    "All values: too many",
  );
  expect(refusedWords(refusal({ pointer: "/images/0", message: "no picture" }), own)).toBeNull();
});

test("a model that answers in sentences is asked for no list", () => {
  const types: readonly FieldType[] = typesOf({ style: "sentence" });
  expect(types).toEqual(fieldTypes.filter((type) => type !== "list"));
  expect(typesOf({ style: "lines" })).toEqual(fieldTypes);
});

test("every preset is fields that a model takes which is asked in sentences", () => {
  for (const preset of presets) {
    const own = preset.rows();
    expect(own.every((row) => nameProblem(row, own) === null && row.instructions !== "")).toBe(
      true,
    );
    const named = namedFieldsOf(fieldsBodySchema.parse(fieldsBodyOf(own)));
    expect(named.ok && checkNamedFields(named.value).ok).toBe(true);
  }
});

const closed: ClosedFieldBody = {
  ...{ type: "choice", value: "cat", guess: "cat", probability: 0.7, confidence: 0.6 },
  probabilities: [
    { value: "dog", probability: 0.2 },
    { value: "cat", probability: 0.7 },
  ],
  ...{ label_mass: null, p_none: 0.1, abstained: false },
};

const open: OpenFieldBody = {
  ...{ type: "text", value: "A cat.", probability: 0.9, token_min: 0.8, p_none: 0.05 },
  truncated: false,
};

test("a value is known as soon as it is told, and anew where the answer begins anew", () => {
  const told = { event: "field.completed", field: "kind", ...closed } as AnswerUpdate;
  const known = readingAfter(openReading(rows), told);
  expect([...known.told]).toEqual([["kind", closed]]);
  const anew = readingAfter(known, { event: "answer.restarted" } as AnswerUpdate);
  expect(anew.told.size).toBe(0);
  const fields = { kind: closed, at: { type: "time", value: null, unfinished: true } };
  const end = { event: "answer.partial", fields, usage: { steps: 1 } } as unknown as AnswerUpdate;
  expect([...readingAfter(anew, end).told.keys()]).toEqual(["kind", "at"]);
});

test("a run is told each value when it comes, not when the answer ends; of one that breaks off what was known stays", async () => {
  const told = { event: "field.completed", field: "kind", ...closed } as AnswerUpdate;
  const frame = { event: "answer.frame", step: 1 } as AnswerUpdate;
  let run = { reading: openReading(rows), answer: null } as Partial<Run> as Run;
  const seen: string[] = [];
  const shown = showReading(
    (async function* () {
      yield told;
      yield frame;
      throw new Error("the connection broke");
    })(),
    (change) => {
      run = change(run);
      seen.push(`${run.reading?.told.size} known, pass ${run.reading?.passes}`);
    },
  );
  await expect(shown).rejects.toThrow("the connection broke");
  expect(seen).toEqual(["1 known, pass 0", "1 known, pass 1"]);
  expect([run.reading?.told.get("kind"), run.answer]).toEqual([closed, null]);
});

test("each option has its bar in the order of the request, none of these is one, and many share the last", () => {
  expect(sharesOf(closed)).toEqual([
    { words: "dog", share: 0.2, isValue: false },
    { words: "cat", share: 0.7, isValue: true },
    { words: "none of these", share: 0.1, isValue: false },
  ]);
  const many = Array.from({ length: 20 }, (_, value) => ({ value, probability: 0.05 }));
  const shares = sharesOf({ ...closed, type: "number", p_none: null, probabilities: many });
  expect(shares).toHaveLength(8);
  expect(shares.at(-1)?.words).toBe("13 others");
  expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
});

test("why there is no value, or not all of it, is said in words", () => {
  const nothing = { ...closed, value: null };
  expect(stateWords(closed)).toBeNull();
  expect(stateWords({ ...nothing, abstained: true })).toMatch(/^Abstained: “cat”/);
  expect(stateWords(nothing)).toMatch(/^None of these/);
  expect(stateWords(open)).toBeNull();
  expect(stateWords({ ...open, truncated: true })).toMatch(/^Cut off/);
  expect(stateWords({ ...open, value: null })).toMatch(/does not show/);
  expect(stateWords({ type: "time", value: null, unfinished: true })).toMatch(/^Not known/);
  expect([true, false, 7, ["a", null], null].map(valueWords)).toEqual([
    ...["yes", "no", "7", "a, –", null],
  ]);
});

test("a snippet of values has every name as the language writes it, and no name becomes code", () => {
  const names = ["kind", "a-b", "7", "__proto__", "x.y"];
  const own = names.map((name) => newRow({ name, type: "choice", options: "$a\nb", none: true }));
  const request = shownRequest({ ...draft, rows: own }, "https://unmask.example");
  const typescript = writeTypescript(request);
  for (const name of [" kind: {", '"a-b": {', '"7": {', '["__proto__"]: {', '"x.y": {'])
    expect(typescript).toContain(name.trim());
  expect(typescript).toContain("await asked.values()");
  expect(writePython(request)).toMatch(/"none": True/);
  expect(writePython(request)).toContain("import requests");
  expect(writeSwift(request)).toContain('"fields": try json("{');
  expect(writeKotlin(request)).toContain('"\\$a"');
});
