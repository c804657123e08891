import type { FieldFault } from "#domain/check-fields.ts";
import type { AnswersField } from "#domain/fields.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { type Encode, endedOptions } from "./options.ts";
import type { Template } from "./template.ts";

/**
 * Puts whole answers where the model would write its own, each with the end of the answer behind it: so those of any length
 * are told apart on one canvas, and how likely the model is to say no more is part of how likely the answer is. Refuses answers that have the same tokens.
 */
export function answersTemplate(
  question: string,
  { instructions = "", answers, method, canvas }: AnswersField,
  { encode, ending }: { readonly encode: Encode; readonly ending: readonly number[] },
): Result<Template, FieldFault> {
  const group = endedOptions(answers, encode, ending);
  if (!("options" in group)) {
    const { first, second } = group;
    const pair = [answers[first], answers[second]];
    const [one, other] = pair.map((answer) => JSON.stringify(answer));
    const problem = `the model reads ${one} and ${other} as the same words: leave one of them out`;
    return refuse({ kind: "options_collide", pointer: `/answers/${second}`, problem });
  }
  const { options } = group;
  const lengths = options.map(({ tokens }) => tokens.length);
  const long = lengths.findIndex((length) => length > (canvas ?? length));
  if (long !== -1) {
    const problem = `the answer takes ${lengths[long]} positions with its end, and the canvas has ${canvas}: ask for a longer one`;
    return refuse({ kind: "too_large", pointer: `/answers/${long}`, problem });
  }
  const length = canvas ?? group.length;
  const part = { field: 0, role: { of: "value" } } as const;
  const chained = method === "chain" ? ({ isChained: true } as const) : {};
  const groups = [{ length, options }];
  const place = { kind: "slot", ...part, groups, options: options.length, ...chained } as const;
  const asked = [question, instructions].filter((text) => text !== "").join("\n");
  return ok({ reads: [{ question: asked, lines: [{ before: [], place, after: [] }] }] });
}
