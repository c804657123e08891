import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ChoiceField, CLOSED_NUMBERS, type Field, type NamedField } from "#domain/fields.ts";
import {
  buildFinal,
  buildTemplate,
  canvasLength,
  type TemplateTools,
} from "#model/template/build.ts";
import {
  closedPasses,
  type Layout,
  layOut,
  type Slot,
  type Template,
} from "#model/template/template.ts";
import { demoLanguage } from "../../support/demo-language.ts";
import { hostileTexts, namedFields } from "../../support/field-arbitraries.ts";

const { bundle, tokenizer } = demoLanguage();
const { special } = bundle.architecture;

const inLines: TemplateTools = {
  style: { style: "lines" },
  things: [],
  tokenizer,
  ending: [special.endOfTurn],
  canvasLimit: 100_000,
};

const inSentences: TemplateTools = {
  ...inLines,
  style: {
    style: "sentence",
    yes: "Yes.",
    no: "No.",
    numbers: ["None", "One", "Two", "Three", "Four"],
  },
  things: bundle.domain?.things ?? [],
};

function built(fields: readonly NamedField[], tools = inLines, context = ""): Template {
  const template = buildTemplate(context, fields, tools);
  if (!template.ok) throw new Error(`${template.refusal.pointer}: ${template.refusal.problem}`);
  return template.value;
}

function laidOut(fields: readonly NamedField[], tools = inLines): Layout {
  return layOut(built(fields, tools).reads[0]!, 0, special.mask);
}

/** The canvas as one reads it, `▢` where something is read or written. */
function drawn({ ids }: Layout): string {
  return ids.map((id) => (id === special.mask ? "▢" : tokenizer.decode([id], true))).join("");
}

function choice(values: readonly string[], none = false): ChoiceField {
  return { type: "choice", options: values.map((value) => ({ value })), none };
}

describe("fields in lines", () => {
  test("have a line each, a letter for each option, and an own line that says whether there is a value", () => {
    const fields: NamedField[] = [
      { name: "damaged", field: { type: "boolean", instructions: "Is it damaged?" } },
      { name: "kind", field: choice(["vase", "guinea pig"], true) },
      { name: "taken", field: { type: "date" } },
    ];
    expect(drawn(laidOut(fields))).toBe(
      `damaged:▢\nkind:▢\ntaken given:▢\ntaken:${"▢".repeat(" 2026-11-28".length)}\n`,
    );
    expect(built(fields).reads.map(({ question }) => question)).toEqual([
      [
        "Look at the picture and fill in these lines, nothing else:",
        "damaged: Is it damaged? – yes or no",
        "kind: A = vase; B = guinea pig; C = none of these, or not to be seen",
        "taken given: whether the picture shows it, yes or no",
        "taken: a date, YYYY-MM-DD",
      ].join("\n"),
    ]);
  });

  test("that are required have no such line: they are written whatever the picture shows", () => {
    const open: readonly Field[] = [
      ...(["date", "time", "datetime"] as const).map((type) => ({ type, seconds: false })),
      { type: "number", minimum: 0, maximum: 9_999, decimals: 2 },
      { type: "text", maxTokens: 2 },
    ];
    for (const field of open) {
      const required = { name: "it", field: { ...field, required: true } as Field };
      expect(drawn(laidOut([{ name: "it", field }]))).toContain("it given");
      expect(drawn(laidOut([required]))).toMatch(/^it:▢+\n$/);
    }
  });

  test("are read in one pass, be they 1, 10 or 40 booleans", () => {
    for (const count of [1, 10, 40]) {
      const template = built(booleans(count));
      expect(template.reads.map(closedPasses)).toEqual([1]);
      expect(layOut(template.reads[0]!, 0, special.mask).slots).toHaveLength(count);
    }
  });

  test("of a list have a line for how many there are, and one for each", () => {
    const field: Field = { type: "list", items: choice(["red", "blue"]), maxItems: 3 };
    expect(drawn(laidOut([{ name: "colors", field }]))).toBe(
      "colors count:▢\ncolors 1:▢\ncolors 2:▢\ncolors 3:▢\n".replace("count:▢", "count: ▢"),
    );
  });

  test("of a small range of whole numbers are options, each number itself; a pass for each length", () => {
    const field: Field = { type: "number", minimum: 8, maximum: 101, decimals: 0 };
    const template = built([{ name: "count", field }]);
    expect(template.reads.map(closedPasses)).toEqual([3]);
    const [slot] = slotsOf(template);
    expect(slot!.groups.map(({ options }) => options.length)).toEqual([2, 90, 2]);
    const most: Field = { ...field, minimum: 0, maximum: CLOSED_NUMBERS };
    expect(slotsOf(built([{ name: "count", field: most }])).map(({ role }) => role.of)).toEqual([
      "present",
    ]);
  });

  test("of more options than letters are cut into chunks; a second read decides between their winners", () => {
    const values = Array.from({ length: 255 }, (_, index) => `the same long prefix ${index}`);
    const fields: NamedField[] = [{ name: "kind", field: choice(values) }];
    const slots = slotsOf(built(fields));
    expect(slots.map(({ role }) => role.of)).toEqual(new Array(10).fill("chunk"));
    expect(slots.reduce((sum, { options }) => sum + options, 0)).toBe(255);
    const winners = slots.map((_, chunk) => chunk * 25);
    const final = buildFinal("", fields, [{ field: 0, winners }], inLines);
    if (!final.ok) throw new Error(final.refusal.problem);
    const [slot] = slotsOf(final.value);
    expect(slot).toMatchObject({ role: { of: "value" }, options: 10 });
    expect(final.value.reads[0]!.question).toContain("A = the same long prefix 0; B = ");
  });

  test("keep the tokens of their labels and options, in whatever order and company they stand", () => {
    fc.assert(
      fc.property(namedFields, fc.infiniteStream(fc.nat()), (fields, numbers) => {
        const wordy = fields.map((field, index) => ({
          ...field,
          name: `${"abcdef"[index]}_field`,
        }));
        const shuffled = wordy
          .map((field) => ({ field, at: numbers.next().value as number }))
          .toSorted((one, other) => one.at - other.at)
          .map(({ field }) => field);
        const here = linesByName(wordy);
        const there = linesByName(shuffled);
        for (const { name } of wordy) expect(there.get(name)).toEqual(here.get(name));
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  test("show a caller's text on one line each, so that none can add a line", () => {
    fc.assert(
      fc.property(namedFields, (fields) => {
        const [read] = built(fields).reads;
        const heading = 1;
        expect(read!.question.split("\n")).toHaveLength(read!.lines.length + heading);
      }),
      { seed: 2, numRuns: 60 },
    );
  });
});

describe("fields in sentences", () => {
  test("are questions of their own, answered as the model was trained to", () => {
    const fields: NamedField[] = [
      {
        name: "kind",
        field: { ...choice(["owl", "penguin"], true), instructions: "What is this?" },
      },
      { name: "real", field: { type: "boolean", instructions: "Is there an owl?" } },
      {
        name: "count",
        field: {
          ...{ type: "number", minimum: 0, maximum: 4, decimals: 0 },
          instructions: "How many animals are there?",
        },
      },
    ];
    const { reads } = built(fields, inSentences);
    expect(reads.map(({ question }) => question)).toEqual(
      fields.map(({ field }) => field.instructions),
    );
    expect(reads.map((read) => sentencesOf(read.lines[0]!))).toEqual([
      ["An owl.", "A penguin."],
      ["Yes.", "No."],
      ["None.", "One.", "Two.", "Three.", "Four."],
    ]);
  });

  test.each<[string, Field, string]>([
    ["without instructions", { type: "boolean" }, "say in `instructions`"],
    [
      "that are lists",
      { type: "list", items: { type: "date" }, maxItems: 2 },
      "one thing at a time",
    ],
  ])("%s are refused by name", (_, field, problem) => {
    expect(buildTemplate("", [{ name: "it", field }], inSentences)).toMatchObject({
      refusal: { kind: "invalid", pointer: "/it", problem: expect.stringContaining(problem) },
    });
  });

  test("are read in one pass whatever their lengths: each sentence stands in one canvas with its end behind it", () => {
    const field = { ...choice(["owl", "soccer ball", "pizza"]), instructions: "What is this?" };
    const { reads } = built([{ name: "it", field }], inSentences);
    expect(closedPasses(reads[0]!)).toBe(1);
    const slot = reads[0]!.lines[0]!.place;
    if (slot?.kind !== "slot") throw new Error("it is read");
    const [group, ...more] = slot.groups;
    expect(more).toEqual([]);
    const lengths = group!.options.map(({ tokens }) => tokens.length);
    expect(new Set(lengths).size).toBeGreaterThan(1);
    expect(group!.length).toBe(Math.max(...lengths));
    for (const { tokens } of group!.options) expect(tokens.at(-1)).toBe(special.endOfTurn);
    expect(laidOut([{ name: "it", field }], inSentences).ids).toEqual(
      new Array(group!.length).fill(special.mask),
    );
  });

  test("that allow none have whatever else the model would say as an option, the last", () => {
    const field: Field = { ...choice(["owl"], true), instructions: "What is this?" };
    const [read] = built([{ name: "it", field }], inSentences).reads;
    expect(read?.lines[0]?.place).toMatchObject({ hasRest: true, options: 2 });
    const sure: Field = { ...choice(["owl", "dog"]), instructions: "What is this?" };
    const [own] = built([{ name: "it", field: sure }], inSentences).reads;
    expect(own?.lines[0]?.place).not.toHaveProperty("hasRest");
  });

  test("cannot have options that become the same sentence", () => {
    const field: Field = { ...choice(["owl", "an owl"]), instructions: "What is this?" };
    expect(buildTemplate("", [{ name: "it", field }], inSentences)).toMatchObject({
      refusal: { kind: "options_collide", pointer: "/it/criteria" },
    });
  });
});

describe("any fields", () => {
  test("become canvases whose pinned tokens have no mask and no special token, whatever they spell", () => {
    fc.assert(
      fc.property(namedFields, (fields) => {
        const template = built(fields);
        for (const read of template.reads) {
          const passes = Math.max(1, closedPasses(read));
          for (let pass = 0; pass < passes; pass++) {
            const { ids, slots, holes } = layOut(read, pass, special.mask);
            const places = [
              ...slots.map(({ from, group }) => ({ from, length: group.length })),
              ...holes.map(({ from, hole }) => ({ from, length: hole.width })),
            ];
            const open = new Set(
              places.flatMap(({ from, length }) => Array.from({ length }, (_, at) => from + at)),
            );
            for (const [at, id] of ids.entries()) {
              if (open.has(at)) expect(id).toBe(special.mask);
              else expect([...tokenizer.specialTokens.values()]).not.toContain(id);
            }
            expect(open.size).toBe(places.reduce((sum, { length }) => sum + length, 0));
          }
          expect(canvasLength(read)).toBeGreaterThan(0);
        }
      }),
      { seed: 3, numRuns: 80 },
    );
  });

  test("are equal templates when they are equal fields", () => {
    fc.assert(
      fc.property(namedFields, (fields) => {
        expect(JSON.stringify(built(structuredClone(fields)))).toBe(JSON.stringify(built(fields)));
      }),
      { seed: 4, numRuns: 20 },
    );
  });

  test("spell no special token with a hostile option, in lines or in sentences", () => {
    for (const text of hostileTexts.filter((words) => words.trim() !== "")) {
      const field: Field = { ...choice([text, "plain"]), instructions: "What is this?" };
      for (const tools of [inLines, inSentences]) {
        const template = built([{ name: "it", field }], tools);
        const tokens = template.reads
          .flatMap(({ lines }) => lines)
          .flatMap(({ before, place, after }) => [
            ...before,
            ...(place?.kind === "slot"
              ? place.groups.flatMap(({ options }) => options)
              : []
            ).flatMap((option) => option.tokens),
            ...after,
          ]);
        for (const token of tokens.filter((id) => id !== special.endOfTurn))
          expect([...tokenizer.specialTokens.values()]).not.toContain(token);
      }
    }
  });

  test.each<[string, NamedField[], object]>([
    ["none", [], { pointer: "" }],
    ["65", booleans(65), { pointer: "" }],
    ["a name with a space", [{ name: "a b", field: { type: "date" } }], { pointer: "/a b" }],
    ["a name twice", [...booleans(1), ...booleans(1)], { pointer: "/f0" }],
    ["one option", [{ name: "it", field: choice(["a"]) }], { pointer: "/it/criteria" }],
    [
      "256 options",
      [{ name: "it", field: choice(Array.from({ length: 256 }, String)) }],
      { pointer: "/it/criteria" },
    ],
    ["an empty option", [{ name: "it", field: choice(["a", " "]) }], { pointer: "/it/criteria" }],
    [
      "options that are equal after NFC",
      [{ name: "it", field: choice(["\u00e9", "e\u0301"]) }],
      { kind: "options_collide", pointer: "/it/criteria" },
    ],
    [
      "bounds the wrong way round",
      [{ name: "it", field: { type: "number", minimum: 2, maximum: 1, decimals: 0 } }],
      { pointer: "/it/minimum" },
    ],
    [
      "a range without a number",
      [{ name: "it", field: { type: "number", minimum: 0.2, maximum: 0.8, decimals: 0 } }],
      { pointer: "/it" },
    ],
    [
      "a bound that is no exact number",
      [{ name: "it", field: { type: "number", minimum: 0, maximum: 1e300, decimals: 2 } }],
      { pointer: "/it/maximum" },
    ],
    [
      "a bound that is no number",
      [{ name: "it", field: { type: "number", minimum: Number.NaN, maximum: 1, decimals: 0 } }],
      { pointer: "/it/minimum" },
    ],
    [
      "nine items",
      [{ name: "it", field: { type: "list", items: { type: "date" }, maxItems: 9 } }],
      { pointer: "/it/max_items" },
    ],
    [
      "a text of 65 tokens",
      [{ name: "it", field: { type: "text", maxTokens: 65 } }],
      { pointer: "/it/max_tokens" },
    ],
  ])("with %s are refused, with a pointer", (_, fields, refusal) => {
    expect(buildTemplate("", fields, inLines)).toMatchObject({ ok: false, refusal });
  });

  test("that take a longer canvas than the model has are refused with both lengths", () => {
    const fields: NamedField[] = [{ name: "it", field: { type: "text", maxTokens: 64 } }];
    const refused = buildTemplate("", fields, { ...inLines, canvasLimit: 60 });
    expect(refused).toMatchObject({ refusal: { kind: "too_large" } });
    expect(refused).toMatchObject({ refusal: { problem: expect.stringContaining("has 60") } });
  });
});

function booleans(count: number): NamedField[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `f${index}`,
    field: { type: "boolean", instructions: "Is it?" },
  }));
}

function slotsOf({ reads }: Template): Slot[] {
  return reads
    .flatMap(({ lines }) => lines)
    .flatMap(({ place }) => (place?.kind === "slot" ? [place] : []));
}

/** The lines of each field, without the field's place among the others. */
function linesByName(fields: readonly NamedField[]): Map<string, string> {
  const [read] = built(fields).reads;
  return new Map(
    fields.map(({ name }, index) => {
      const own = read!.lines.filter(({ place }) => place?.field === index);
      return [
        name,
        JSON.stringify(own.map((line) => ({ ...line, place: { ...line.place, field: 0 } }))),
      ];
    }),
  );
}

/** What a sentence can be, in the order of the options. */
function sentencesOf({
  before,
  place,
  after,
}: Template["reads"][number]["lines"][number]): string[] {
  if (place?.kind !== "slot") return [];
  const own = after.filter((id) => id !== special.endOfTurn);
  return place.groups
    .flatMap(({ options }) => options)
    .toSorted((one, other) => one.index - other.index)
    .map(({ tokens }) => tokens.filter((id) => id !== special.endOfTurn))
    .map((tokens) => tokenizer.decode([...before, ...tokens, ...own]));
}
