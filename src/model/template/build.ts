import { checkNamedFields, type FieldFault } from "#domain/check-fields.ts";
import type { NamedField } from "#domain/fields.ts";
import type { ReadStyle } from "#domain/read-style.ts";
import type { ChunkWinners } from "#domain/reading/lines.ts";
import { type Result, refuse } from "#domain/result.ts";
import { neutralise } from "../text/prompt.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { answersTemplate } from "./answers.ts";
import { finalTemplate, linesTemplate } from "./lines.ts";
import { sentencesTemplate } from "./sentences.ts";
import { closedPasses, layOut, type Read, type Template } from "./template.ts";

/** What fields become a template with: the model's card and its tokenizer. */
export interface TemplateTools {
  readonly style: ReadStyle;
  /** What the model knows the names of, each with its article. */
  readonly things: readonly string[];
  readonly tokenizer: Pick<Tokenizer, "encode" | "specialTokens">;
  /** What the model was trained to end an answer with. */
  readonly ending: readonly number[];
  /** Positions of the longest canvas that is taken. */
  readonly canvasLimit: number;
}

/** Makes the template of fields. A pure function: equal fields, card and tokenizer give equal canvases. */
export function buildTemplate(
  context: string,
  fields: readonly NamedField[],
  tools: TemplateTools,
): Result<Template, FieldFault> {
  const checked = checkNamedFields(fields);
  if (!checked.ok) return checked;
  const encode = encoder(tools);
  const { style, things, ending } = tools;
  const [{ field } = { field: undefined }] = fields;
  if (field?.type === "answers")
    return fitting(answersTemplate(context, field, { encode, ending }), tools);
  switch (style.style) {
    case "lines":
      return fitting(linesTemplate(context, fields, encode), tools);
    case "sentence":
      return fitting(sentencesTemplate(context, fields, { style, things, encode, ending }), tools);
    default:
      return style satisfies never;
  }
}

/** Makes the template that decides between the winners of options which did not fit one slot. Only the lines style has such. */
export function buildFinal(
  context: string,
  fields: readonly NamedField[],
  chunked: readonly ChunkWinners[],
  tools: TemplateTools,
): Result<Template, FieldFault> {
  return fitting(finalTemplate(context, fields, chunked, encoder(tools)), tools);
}

/** A caller's words can spell no special token, in the canvas as in the prompt. */
function encoder({ tokenizer }: TemplateTools): (text: string) => number[] {
  return (text) => tokenizer.encode(neutralise(text, tokenizer));
}

function fitting(
  template: Result<Template, FieldFault>,
  { canvasLimit }: TemplateTools,
): Result<Template, FieldFault> {
  if (!template.ok) return template;
  const longest = Math.max(...template.value.reads.map(canvasLength));
  if (longest <= canvasLimit) return template;
  const problem = `the fields take a canvas of ${longest} tokens, and this model has ${canvasLimit}: send fewer, or shorter texts`;
  return refuse({ kind: "too_large", pointer: "", problem });
}

/** Positions of the longest canvas of a read. */
export function canvasLength(read: Read): number {
  const passes = Math.max(1, closedPasses(read));
  const lengths = Array.from({ length: passes }, (_, pass) => layOut(read, pass, 0).ids.length);
  return Math.max(...lengths);
}
