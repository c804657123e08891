import type { FieldFault } from "../check-fields.ts";
import { type Field, type NamedField, optionsOf } from "../fields.ts";
import type { SentenceStyle } from "../read-style.ts";
import { ok, type Result, refuse } from "../result.ts";

/** Refuses fields that a model cannot be asked for which answers one whole question at a time. */
export function checkSentences(fields: readonly NamedField[]): Result<void, FieldFault> {
  for (const { name, field } of fields) {
    const problem = unsupportedIn(field);
    if (problem !== undefined) return refuse({ kind: "invalid", pointer: `/${name}`, problem });
  }
  return ok(undefined);
}

function unsupportedIn(field: Field): string | undefined {
  if (field.type === "list")
    return "this model answers one thing at a time: ask for each item as a field of its own";
  return (field.instructions ?? "").trim() === ""
    ? "this model is asked in whole questions: say in `instructions` what it is to look for"
    : undefined;
}

/** What the prompt asks for one field. `context`: what the caller says about the picture, "" for nothing. */
export function sentenceQuestion(context: string, { instructions = "" }: Field): string {
  return [context, instructions].filter((text) => text !== "").join("\n");
}

/**
 * The sentences in which a model answers with each option of a closed field: "An owl.", "Yes.", "Two.".
 * @param things what the model knows the names of, each with its article
 */
export function sentencesOf(
  field: Field,
  { style, things }: { readonly style: SentenceStyle; readonly things: readonly string[] },
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
