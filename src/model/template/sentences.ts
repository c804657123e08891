import type { FieldFault } from "#domain/check-fields.ts";
import { asOpen, type Field, type NamedField, optionsOf } from "#domain/fields.ts";
import type { SentenceStyle } from "#domain/read-style.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { Encode } from "./options.ts";
import { answerLine, holeLine } from "./places.ts";
import type { Line, Part, Read, Template } from "./template.ts";

/** What a sentence style is written with besides the fields. */
export interface SentenceTools {
  readonly style: SentenceStyle;
  /** What the model knows the names of, each with its article: "an owl". An option that is one of them is written like that. */
  readonly things: readonly string[];
  readonly encode: Encode;
  /** Stands behind a sentence: what the model was trained to end an answer with. */
  readonly ending: readonly number[];
}

/**
 * Asks each field as a question of its own and reads the answer in the sentences that the model was trained to write: "An owl.",
 * "Yes.", "Two.". "None of these" is whatever else it would say: it is not told the options, so it names what it sees. A question is its
 * field's instructions, so a field without any is refused, and so is a list: such a model answers one thing at a time.
 */
export function sentencesTemplate(
  context: string,
  fields: readonly NamedField[],
  tools: SentenceTools,
): Result<Template, FieldFault> {
  const reads: Read[] = [];
  for (const [index, { name, field }] of fields.entries()) {
    const { instructions = "" } = field;
    if (field.type === "list")
      return unsupported(
        name,
        "this model answers one thing at a time: ask for each item as a field of its own",
      );
    if (instructions.trim() === "")
      return unsupported(
        name,
        "this model is asked in whole questions: say in `instructions` what it is to look for",
      );
    const line = lineOf(field, { field: index, role: { of: "value" } }, fields, tools);
    if (!line.ok) return line;
    const question = [context, instructions].filter((text) => text !== "").join("\n");
    reads.push({ question, lines: [line.value] });
  }
  return ok({ reads });
}

function lineOf(
  field: Exclude<Field, { readonly type: "list" }>,
  part: Part,
  fields: readonly NamedField[],
  tools: SentenceTools,
): Result<Line, FieldFault> {
  const { encode, ending } = tools;
  const open = asOpen(field);
  if (open !== undefined) return ok(holeLine(part, open, { before: [], after: ending }));
  const hasRest = field.type === "choice" && field.none;
  return answerLine(part, sentencesOf(field, tools), { fields, encode, ending }, hasRest);
}

function sentencesOf(
  field: Field,
  { style, things }: Pick<SentenceTools, "style" | "things">,
): string[] {
  const values = optionsOf(field).map(({ value }) => value);
  switch (field.type) {
    case "boolean":
      return [style.yes, style.no];
    case "number":
      return values.map((value) => sentence(style.numbers?.[Number(value)] ?? value));
    default:
      return values.map((value) => sentence(withArticle(value, things)));
  }
}

function withArticle(value: string, things: readonly string[]): string {
  return things.find((thing) => thing.replace(/^an? /, "") === value) ?? value;
}

function sentence(text: string): string {
  const line = text.replace(/\s+/gu, " ").trim();
  const [first = ""] = line;
  return `${first.toUpperCase()}${line.slice(first.length)}${/[.!?]$/.test(line) ? "" : "."}`;
}

function unsupported(name: string, problem: string): Result<never, FieldFault> {
  return refuse({ kind: "invalid", pointer: `/${name}`, problem });
}
