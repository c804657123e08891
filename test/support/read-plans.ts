import fc from "fast-check";
import { expect } from "vitest";
import type { Field, NamedField } from "#domain/fields.ts";
import type { ReadOrder } from "#domain/question.ts";
import type { ReadStyle, SentenceStyle } from "#domain/read-style.ts";
import { readPlan } from "#domain/reading/read-plan.ts";
import { mostPasses } from "#model/read/read-fields.ts";
import { widened } from "#model/read/writing.ts";
import {
  buildFinal,
  buildTemplate,
  canvasLength,
  type TemplateTools,
} from "#model/template/build.ts";
import type { Read, Template } from "#model/template/template.ts";
import { neutralise } from "#model/text/prompt.ts";
import type { Tokenizer } from "#model/text/tokenizer.ts";
import { demoLanguage } from "./demo-language.ts";
import { fakeTokenizer } from "./fake-tokenizer.ts";
import { namedFields } from "./field-arbitraries.ts";

const { bundle, tokenizer: demo } = demoLanguage();

/** Positions of the longest canvas. */
const LIMIT = 512;

const sentence: SentenceStyle = {
  style: "sentence",
  yes: "Yes.",
  no: "No.",
  numbers: ["None", "One", "Two", "Three"],
};

/** How models are asked. */
export const readStyles: readonly ReadStyle[] = [{ style: "lines" }, sentence];

/** A model's own tokenizer, and one whose tokens are bytes: none has more. */
export const planTokenizers: readonly (readonly [string, Tokenizer])[] = [
  ["the demo model", demo],
  ["bytes", fakeTokenizer],
];

const order: fc.Arbitrary<ReadOrder> = fc
  .record({
    fields: namedFields,
    openPasses: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    onTruncate: fc.constantFrom("keep" as const, "widen" as const, "null" as const),
  })
  .map(({ openPasses, ...read }) => ({
    ...{ ...read, abstainBelow: 0 },
    ...(openPasses === undefined ? {} : { openPasses }),
  }));

/** Holds that no random fields take more than is planned for them, and says how often they could be read at all. */
export function expectWithinPlans(
  style: ReadStyle,
  tokenizer: Tokenizer,
  run: { readonly seed: number; readonly numRuns: number },
): number {
  const things = bundle.domain?.things ?? [];
  const ending = [bundle.architecture.special.endOfTurn];
  const tools: TemplateTools = { style, things, tokenizer, ending, canvasLimit: LIMIT };
  let compared = 0;
  fc.assert(
    fc.property(order, (asked) => {
      const read = style.style === "lines" ? asked : inSentences(asked);
      const template = buildTemplate("", read.fields, tools);
      const plan = readPlan(read, style, LIMIT);
      // What is too large for either is not read, and not paid for.
      if (!template.ok || !plan.ok) return;
      const widensTo = read.onTruncate === "widen" ? { widensTo: plan.value.canvas } : {};
      const terms = { openPasses: read.openPasses ?? LIMIT, ...widensTo };
      const passes = mostPasses(read.fields, template.value, terms);
      expect(passes).toBeLessThanOrEqual(plan.value.passes);
      const reads = allReads(template.value, read, tools);
      expect(reads.length).toBeLessThanOrEqual(plan.value.reads.length);
      for (const [index, each] of reads.entries()) {
        const its = plan.value.reads[index]!;
        const wider = widened(each, terms, ({ field }) => isText(read.fields[field]!.field));
        const question = tokenizer.encode(neutralise(each.question, tokenizer)).length;
        expect(canvasLength(wider ?? each)).toBeLessThanOrEqual(its.canvas);
        expect(question).toBeLessThanOrEqual(its.questionBytes);
      }
      compared += 1;
    }),
    run,
  );
  return compared;
}

/** Each read of a template, and the one that its winners would be decided by, were each chunk's last the best. */
function allReads(template: Template, { fields }: ReadOrder, tools: TemplateTools): Read[] {
  const places = template.reads.flatMap(({ lines }) => lines.flatMap(({ place }) => place ?? []));
  const chunks = places.filter(({ role }) => role.of === "chunk");
  const winners = [...Map.groupBy(chunks, ({ field }) => field)].map(([field, its]) => {
    let before = 0;
    const lasts = its.map((slot) => {
      before += slot.kind === "slot" ? slot.options : 0;
      return before - 1;
    });
    return { field, winners: lasts };
  });
  if (winners.length === 0) return [...template.reads];
  const final = buildFinal("", fields, winners, tools);
  if (!final.ok) throw new Error(final.refusal.problem);
  return [...template.reads, ...final.value.reads];
}

function isText(field: Field): boolean {
  return (field.type === "list" ? field.items : field).type === "text";
}

/** The same fields as a model can be asked for that answers one whole question at a time. */
function inSentences(read: ReadOrder): ReadOrder {
  const fields = read.fields.map(({ name, field }): NamedField => {
    const single = field.type === "list" ? field.items : field;
    return { name, field: { ...single, instructions: single.instructions ?? "What is it?" } };
  });
  return { ...read, fields };
}
