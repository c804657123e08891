import type { NamedField } from "#domain/fields.ts";
import { tensor } from "#domain/tensor.ts";
import {
  type ReadEvent,
  type ReadTerms,
  type ReadTools,
  readFields,
} from "#model/read/read-fields.ts";
import { buildFinal, buildTemplate, type TemplateTools } from "#model/template/build.ts";
import type { Template } from "#model/template/template.ts";
import { type FakeEngine, fakeArchitecture, fakeEngine, fakeSpecial } from "./fake-engine.ts";
import { fakeTokenizer } from "./fake-tokenizer.ts";

/** What templates of the fake model are made with. Its tokens are bytes. */
export const fakeTemplateTools: TemplateTools = {
  style: { style: "lines" },
  things: [],
  tokenizer: fakeTokenizer,
  ending: [fakeSpecial.endOfTurn],
  canvasLimit: 100_000,
};

/** Takes every guess, and fills holes as surely as it can. */
export const anyGuess: ReadTerms = {
  abstainBelow: 0,
  openPasses: 64,
  refresh: { kind: "always" },
};

/** The template of fields that have one. */
export function templateOf(fields: readonly NamedField[], tools = fakeTemplateTools): Template {
  const template = buildTemplate("", fields, tools);
  if (!template.ok) throw new Error(`${template.refusal.pointer}: ${template.refusal.problem}`);
  return template.value;
}

/** Tools of an engine whose prompt is a question's own bytes. */
export function fakeReadTools(engine: FakeEngine, fields: readonly NamedField[]): ReadTools {
  return {
    engine,
    tokenizer: fakeTokenizer,
    promptOf: (question, signal) => engine.embedTokens(fakeTokenizer.encode(question), signal),
    finalOf: (winners) => {
      const final = buildFinal("", fields, winners, fakeTemplateTools);
      if (!final.ok) throw new Error(final.refusal.problem);
      return final.value;
    },
    filler: fakeSpecial.endOfTurn,
  };
}

/** An engine that thinks anything of any token, the same at every pass over the same canvas. Everything but the mask may be written. */
export function opinionatedEngine(
  seed: number,
  spread = 4,
  columns = fakeArchitecture.logitsColumns,
): FakeEngine {
  const language = { ...fakeArchitecture.language, vocabSize: columns };
  const decoding = { suppressed: [] };
  const architecture = { ...fakeArchitecture, language, logitsColumns: columns, decoding };
  return fakeEngine((sequence, position) => {
    const written = sequence.reduce((sum, id) => (Math.imul(sum, 31) + id) | 0, seed);
    return Array.from({ length: columns }, (_, column) => {
      const mixed = Math.imul(written ^ (position * 7919 + column * 104_729), 2_654_435_761);
      return (((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32) * spread;
    });
  }, architecture);
}

/** Reads fields to their end. */
export async function readAll(
  fields: readonly NamedField[],
  tools: ReadTools,
  terms: Partial<ReadTerms> = {},
  deadline?: AbortSignal,
): Promise<{
  readonly events: readonly ReadEvent[];
  readonly end: Extract<ReadEvent, { kind: "read.ended" }>;
}> {
  const never = new AbortController().signal;
  const template = templateOf(fields);
  const all = { ...anyGuess, ...terms };
  const events = await Array.fromAsync(readFields(fields, template, tools, all, never, deadline));
  const end = events.at(-1);
  if (end?.kind !== "read.ended") throw new Error("the reading has no end");
  return { events, end };
}

/** A prompt of so many positions that says nothing. */
export function blankPrompt(length: number): ReturnType<typeof tensor> {
  return tensor([length, 2], new Float32Array(length * 2));
}
