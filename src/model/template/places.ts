import type { FieldFault } from "#domain/check-fields.ts";
import { type NamedField, type OpenField, optionsOf } from "#domain/fields.ts";
import type { Part } from "#domain/reading/lines.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { openLanguage } from "./languages.ts";
import { type Collision, type Encode, endedOptions, planOptions } from "./options.ts";
import type { Line } from "./template.ts";

/** Makes the line of a slot out of the line as it reads with each option. Refuses options that have the same tokens. */
export function slotLine(
  part: Part,
  lines: readonly string[],
  { fields, encode }: { readonly fields: readonly NamedField[]; readonly encode: Encode },
): Result<Line, FieldFault> {
  const plan = planOptions(lines, encode);
  if (!("groups" in plan)) return collide(plan, part, lines, fields);
  const { before, after, groups } = plan;
  return ok({ before, place: { kind: "slot", ...part, groups, options: lines.length }, after });
}

/**
 * Makes the line of a slot whose options are whole answers, in one canvas whatever their lengths. `hasRest`: anything else is an option
 * too, the last. Refuses options that have the same tokens.
 */
export function answerLine(
  part: Part,
  texts: readonly string[],
  {
    fields,
    encode,
    ending,
  }: {
    readonly fields: readonly NamedField[];
    readonly encode: Encode;
    readonly ending: readonly number[];
  },
  hasRest: boolean,
): Result<Line, FieldFault> {
  const group = endedOptions(texts, encode, ending);
  if (!("options" in group)) return collide(group, part, texts, fields);
  const place = { kind: "slot", ...part, groups: [group], options: texts.length } as const;
  return ok({
    before: [],
    place: hasRest ? { ...place, options: texts.length + 1, hasRest: true } : place,
    after: [],
  });
}

function collide(
  collision: Collision,
  { field }: Part,
  lines: readonly string[],
  fields: readonly NamedField[],
): Result<never, FieldFault> {
  const { name, field: asked } = fields[field]!;
  const options = optionsOf(asked);
  const [first, second] = [collision.first, collision.second].map(
    (index) => options[index]?.value ?? lines[index],
  );
  const problem = `the model reads the options ${JSON.stringify(first)} and ${JSON.stringify(second)} as the same words: word one otherwise`;
  return refuse({ kind: "options_collide", pointer: `/${name}/criteria`, problem });
}

/** Makes the line of a hole. What stands before it ends without a space, which may be the first byte of what is written. */
export function holeLine(
  part: Part,
  field: OpenField,
  { before, after }: { readonly before: readonly number[]; readonly after: readonly number[] },
): Line {
  return { before, place: { kind: "hole", ...part, ...openLanguage(field) }, after };
}
