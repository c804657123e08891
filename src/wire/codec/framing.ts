import type { CommitTerms } from "#domain/modes.ts";
import type { AnswerOptions, Message, ReadOrder } from "#domain/question.ts";
import { type ReadStyle, TEMPLATE_VERSION } from "#domain/read-style.ts";
import { canonicalJson } from "./canonical-json.ts";

/**
 * Writes parts as bytes, injectively: every part with its length before it (4 bytes, big-endian), so that no byte can move
 * from one part to the next and leave the whole as it was. What is to be told apart from everything else that is ever
 * hashed begins with a part that names it.
 */
export function frame(parts: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const utf8 = new TextEncoder();
  const bytes = parts.map((part) => (typeof part === "string" ? utf8.encode(part) : part));
  const framed = new Uint8Array(bytes.reduce((size, part) => size + 4 + part.length, 0));
  const view = new DataView(framed.buffer);
  let offset = 0;
  for (const part of bytes) {
    view.setUint32(offset, part.length);
    framed.set(part, offset + 4);
    offset += 4 + part.length;
  }
  return framed;
}

/** Lists the messages of a question, each with how many of its pictures it names: a picture of another turn is another question. */
export function messageParts(messages: readonly Message[]): readonly (readonly string[])[] {
  return messages.map(({ role, text, pictures = 0 }) => [role, text, String(pictures)]);
}

/** Lists all options of an answer with their names. The mapped type makes an option that is forgotten here a compile error. */
export function optionParts(options: AnswerOptions): readonly (readonly string[])[] {
  const parts: { readonly [Name in keyof Required<AnswerOptions>]: readonly string[] } = {
    detail: [options.detail],
    canvas: [String(options.canvas)],
    steps: [String(options.steps)],
    blockLength: [String(options.blockLength)],
    mode: [options.mode],
    refresh: [String(options.refresh)],
    commit: commitParts(options.commit),
    temperature: [String(options.temperature)],
    seed: [String(options.seed)],
    stop: options.stop,
    suffix: options.suffix === undefined ? [] : [options.suffix],
  };
  return Object.entries(parts).map(([name, values]) => [name, ...values]);
}

/** Everything that determines what fields are read as besides messages, options and pictures; `style`: the model's. */
export function readParts(read: ReadOrder, style: ReadStyle): readonly string[] {
  return ["read", String(TEMPLATE_VERSION), canonicalJson(style), canonicalJson(read)];
}

function commitParts(commit: CommitTerms): readonly string[] {
  if (commit.rule === "schedule") return [commit.rule];
  return [commit.rule, ...[commit.bound, ...commit.gaps].map(String)];
}
