import type { FieldFault } from "#domain/check-fields.ts";
import type { NamedField } from "#domain/fields.ts";
import {
  type AskedLine,
  askedLines,
  type ChunkWinners,
  finalLines,
  holdsOptions,
  linesQuestion,
} from "#domain/reading/lines.ts";
import { ok, type Result } from "#domain/result.ts";
import type { Encode } from "./options.ts";
import { holeLine, slotLine } from "./places.ts";
import type { Line, Template } from "./template.ts";

/**
 * Asks for all fields in one prompt and one canvas, a line each (`askedLines`). A field's lines have the same tokens whatever stands
 * beside it.
 * @param context what the caller says about the picture, "" for nothing
 */
export function linesTemplate(
  context: string,
  fields: readonly NamedField[],
  encode: Encode,
): Result<Template, FieldFault> {
  return written(context, askedLines(fields), fields, encode);
}

/** Asks which of the chunks' winners it is, of all fields that were cut into chunks. */
export function finalTemplate(
  context: string,
  fields: readonly NamedField[],
  chunked: readonly ChunkWinners[],
  encode: Encode,
): Result<Template, FieldFault> {
  return written(context, finalLines(fields, chunked), fields, encode);
}

function written(
  context: string,
  wanted: readonly AskedLine[],
  fields: readonly NamedField[],
  encode: Encode,
): Result<Template, FieldFault> {
  const asked = wanted.map((line) => ofOneLength(line, encode));
  const lines: Line[] = [];
  for (const {
    line: { part, label, holds },
    texts,
  } of asked) {
    if (!holdsOptions(holds)) {
      lines.push(holeLine(part, holds, { before: encode(`${label}:`), after: encode("\n") }));
      continue;
    }
    const line = slotLine(part, texts, { fields, encode });
    if (!line.ok) return line;
    lines.push(line.value);
  }
  return ok({
    reads: [
      {
        question: linesQuestion(
          context,
          asked.map(({ line }) => line),
        ),
        lines,
      },
    ],
  });
}

/**
 * Options of unlike lengths would take a pass for each length. So letters stand where words have several, and what no space makes alike
 * has none in front: of some tokenizers " C" is one token and " E" two.
 */
function ofOneLength(line: AskedLine, encode: Encode): { line: AskedLine; texts: string[] } {
  const { label, holds, otherwise } = line;
  if (!holdsOptions(holds)) return { line, texts: [] };
  const spelled = otherwise === undefined ? [] : [{ ...line, ...otherwise }];
  const ways = [line, ...spelled].flatMap((way) =>
    [": ", ":"].map((gap) => ({ line: way, texts: textsOf(label, gap, way.holds) })),
  );
  return (
    ways.find(({ texts }) => new Set(texts.map((text) => encode(text).length)).size === 1) ??
    ways[0]!
  );
}

function textsOf(label: string, gap: string, holds: AskedLine["holds"]): string[] {
  return holdsOptions(holds) ? holds.map((option) => `${label}${gap}${option}\n`) : [];
}
