import type { FieldFault } from "#domain/check-fields.ts";
import { asOpen, type Field, type NamedField } from "#domain/fields.ts";
import type { SentenceStyle } from "#domain/read-style.ts";
import type { Part } from "#domain/reading/lines.ts";
import { checkSentences, sentenceQuestion, sentencesOf } from "#domain/reading/sentences.ts";
import { ok, type Result } from "#domain/result.ts";
import type { Encode } from "./options.ts";
import { answerLine, holeLine } from "./places.ts";
import type { Line, Read, Template } from "./template.ts";

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
  const checked = checkSentences(fields);
  if (!checked.ok) return checked;
  const reads: Read[] = [];
  for (const [index, { field }] of fields.entries()) {
    const line = lineOf(field, { field: index, role: { of: "value" } }, fields, tools);
    if (!line.ok) return line;
    reads.push({ question: sentenceQuestion(context, field), lines: [line.value] });
  }
  return ok({ reads });
}

function lineOf(
  field: Field,
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
