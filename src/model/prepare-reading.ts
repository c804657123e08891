import { orderFailure } from "#domain/check-fields.ts";
import type { Failure } from "#domain/failure.ts";
import type { ImageLayout } from "#domain/image/layout.ts";
import type { Message, ReadOrder } from "#domain/question.ts";
import { type ReadCard, readCardOf } from "#domain/read-style.ts";
import type { ChunkWinners } from "#domain/reading/lines.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import {
  type AnswerTools,
  layOutPictures,
  type PicturedQuestion,
  preparePrompt,
  refreshRule,
} from "./prepare.ts";
import { mostPasses, type ReadTerms } from "./read/read-fields.ts";
import { buildFinal, buildTemplate, type TemplateTools } from "./template/build.ts";
import type { Template } from "./template/template.ts";

/** A question whose fields are read. */
export interface ReadQuestion extends PicturedQuestion {
  readonly read: ReadOrder;
}

/** What is to be read, as the network will be asked it. */
export interface PreparedReading {
  readonly card: ReadCard;
  readonly template: Template;
  readonly terms: ReadTerms;
  /** One per picture. */
  readonly layouts: readonly ImageLayout[];
  /** Positions of the longest prompt. */
  readonly promptLength: number;
  readonly finalOf: (winners: readonly ChunkWinners[]) => Template;
}

/** Works out everything about what is to be read that can be known, and refused, without the network: more than was priced too. */
export function prepareReading(
  question: ReadQuestion,
  tools: AnswerTools,
): Result<PreparedReading, Failure> {
  const { messages, pictures, options, read } = question;
  const { engine } = tools;
  const layouts = layOutPictures(pictures, options.detail, engine.architecture);
  if (!layouts.ok) return layouts;
  const context = messages.at(-1)?.text ?? "";
  const card = tools.read ?? readCardOf(engine);
  const templateTools = templateToolsOf(card, tools, options.canvas);
  const template = buildTemplate(context, read.fields, templateTools);
  if (!template.ok) return refuse(orderFailure(read, template.refusal));
  const terms = termsOf(question, card);
  const passes = mostPasses(read.fields, template.value, terms);
  if (passes > options.steps) {
    const problem = `the fields take ${passes} passes, more than the ${options.steps} that were planned: send fewer`;
    return refuse(orderFailure(read, { kind: "too_large", pointer: "", problem }));
  }
  const length = longestPrompt(question, template.value, layouts.value, tools);
  if (!length.ok) return length;
  const finalOf = (winners: readonly ChunkWinners[]): Template => {
    const final = buildFinal(context, read.fields, winners, templateTools);
    if (!final.ok)
      throw new Error(`the winners of chunks cannot be asked for: ${final.refusal.problem}`);
    return final.value;
  };
  return ok({
    ...{ card, terms, finalOf, template: template.value },
    ...{ layouts: layouts.value, promptLength: length.value },
  });
}

/** The conversation with a read's question in place of what the caller says last: that is a part of it. */
export function messagesAsking(messages: readonly Message[], question: string): Message[] {
  return messages.map((message, index) =>
    index === messages.length - 1 ? { ...message, text: question } : message,
  );
}

function templateToolsOf(
  { style }: ReadCard,
  { engine, tokenizer, trust }: AnswerTools,
  canvasLimit: number,
): TemplateTools {
  const ending = [engine.architecture.special.endOfTurn];
  return { style, tokenizer, ending, canvasLimit, things: trust?.domain?.things ?? [] };
}

function termsOf({ read, options }: ReadQuestion, { temperatures = {} }: ReadCard): ReadTerms {
  return {
    abstainBelow: read.abstainBelow,
    openPasses: read.openPasses ?? options.steps,
    refresh: refreshRule(options),
    temperatureOf: (field) => {
      const { type } = field.type === "list" ? field.items : field;
      return type === "answers" ? 1 : (temperatures[type] ?? 1);
    },
    ...(read.onTruncate === "widen" ? { widensTo: options.canvas } : {}),
  };
}

function longestPrompt(
  { messages, options: { mode } }: ReadQuestion,
  { reads }: Template,
  layouts: readonly ImageLayout[],
  tools: AnswerTools,
): Result<number, Failure> {
  let longest = 0;
  for (const { question, lines } of reads) {
    const prompt = preparePrompt(messagesAsking(messages, question), layouts, tools);
    if (!prompt.ok) return prompt;
    const { length } = prompt.value;
    const { prefixLimit: limit } = tools.engine;
    const isWritten = lines.some(({ place }) => place?.kind === "hole");
    if (isWritten && mode !== "exact" && length > limit)
      return refuse({ kind: "prompt_too_long", length, limit, mode });
    longest = Math.max(longest, length);
  }
  return ok(longest);
}
