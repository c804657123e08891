import { type Abilities, fitToAbilities } from "#domain/abilities.ts";
import { checkNamedFields, fieldsFailure } from "#domain/check-fields.ts";
import type { Failure } from "#domain/failure.ts";
import { modeTerms, STANDARD_MODE, UNTOLD_REFRESH } from "#domain/modes.ts";
import {
  type AnswerOptions,
  type Message,
  type Question,
  type ReadOrder,
  usualBlock,
} from "#domain/question.ts";
import { readCardOf } from "#domain/read-style.ts";
import { optionsToRead } from "#domain/reading/options-to-read.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { JudgedAnswer } from "#domain/trust.ts";
import type { DescribedModel } from "#inference/described-model.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { createModelHost } from "#inference/model-host.ts";
import { openModel } from "#inference/model-loader.ts";
import { loadKernels } from "#inference/runtime/kernels.ts";
import type { NodeEngineOptions } from "#inference/runtime/node-engine.ts";
import { answer } from "#model/answer.ts";
import type { PicturedQuestion } from "#model/prepare.ts";
import { readAnswer } from "#model/read-answer.ts";
import type { ReadableStore } from "#weights/object-store.ts";
import type { Answerer, AskedQuestion, Outcome } from "./answerer.ts";
import { askedForField, CHOICE_FIELD } from "./choice-field.ts";
import { pictureBytes } from "./picture-bytes.ts";

export interface LocalAnswererOptions {
  readonly store: ReadableStore;
  readonly model: string;
  /** Absent: whatever `latest.json` names. */
  readonly version?: string;
  readonly provider: NodeEngineOptions["provider"];
  readonly cuda?: NodeEngineOptions["cuda"];
  readonly threads?: number;
}

/** Answers with an engine in this process: no service, no queue, no charge. Rejects where the bundle cannot be opened. */
export async function localAnswerer(
  options: LocalAnswererOptions,
  signal: AbortSignal,
): Promise<Answerer> {
  const { store, model: name, version, provider, cuda, threads } = options;
  const { resize } = await loadKernels();
  const host = createModelHost({
    model: name,
    provider,
    resize,
    log: () => undefined,
    open: (stop) =>
      openModel({
        store,
        model: name,
        signal: stop,
        ...(version === undefined ? {} : { version }),
      }),
    ...(threads === undefined ? {} : { threads }),
    ...(cuda === undefined ? {} : { cuda }),
  });
  try {
    const model = await host.described(signal);
    return {
      name: `${name} (${model.card.format}, ${provider})`,
      answer: (asked, signal) => answerLocally(asked, model, signal),
      [Symbol.asyncDispose]: () => host.dispose(),
    };
  } catch (cause) {
    await host.dispose();
    throw cause;
  }
}

async function answerLocally(
  asked: AskedQuestion,
  model: DescribedModel,
  signal: AbortSignal,
): Promise<Outcome> {
  const { tools, card } = model;
  const decoded = await decodeImages(await Promise.all(asked.pictures.map(pictureBytes)));
  if (!decoded.ok) return { kind: "refused", code: decoded.refusal.kind };
  const wanted = wantedOf(asked, model);
  if (!wanted.ok) return { kind: "refused", code: wanted.refusal.kind };
  const { read, ...rest } = wanted.value;
  const question: PicturedQuestion = { ...rest, pictures: decoded.value };
  const events =
    read === undefined
      ? answer(question, tools, signal)
      : readAnswer({ ...question, read }, tools, signal);
  for await (const event of events) {
    if (event.kind === "answer.failed") return { kind: "refused", code: event.failure.kind };
    if (event.kind === "answer.completed")
      return {
        kind: "answered",
        answer: saidIn(event),
        isCut: false,
        confidence: event.confidence,
        inDomain: event.domainScore === undefined ? null : event.domainScore >= 0,
        abstained: event.abstention !== undefined,
        steps: event.usage.steps,
        rows: event.usage.rows,
        chargedMicros: null,
        modelDigest: card.digest,
      };
  }
  throw new Error("the engine ended without an answer");
}

/** What is asked of the pictures, as the service would read it. */
function wantedOf(
  asked: AskedQuestion,
  { card, abilities, tools }: DescribedModel,
): Result<Omit<Question, "images">, Failure> {
  const { canvas, steps, mode, refresh, blockLength, stop, choices } = asked;
  const options: AnswerOptions = {
    detail: "auto",
    canvas,
    steps,
    blockLength: blockLength ?? usualBlock(canvas, steps, card.block_length),
    ...modeTerms(mode ?? STANDARD_MODE, refresh ?? UNTOLD_REFRESH.standard),
    temperature: 0,
    seed: 0,
    stop,
  };
  if (choices === undefined) return ok({ messages: fitted(asked, abilities), options });
  const { messages: said, instructions } = askedForField(asked.messages);
  const optionsOfField = choices.map((value) => ({ value }));
  const field = { type: "choice", instructions, options: optionsOfField, none: false } as const;
  const fields = [{ name: CHOICE_FIELD, field }];
  const checked = checkNamedFields(fields);
  if (!checked.ok) return refuse(fieldsFailure(checked.refusal));
  const read: ReadOrder = { fields, abstainBelow: 0, onTruncate: "keep" };
  const { style } = tools.read ?? readCardOf(tools.engine);
  const planned = optionsToRead(read, options, { abilities, read: style });
  if (!planned.ok) return planned;
  const messages = fitted({ ...asked, messages: said }, abilities);
  return ok({ messages, options: planned.value, read });
}

function fitted(
  { messages, pictures, canvas }: Pick<AskedQuestion, "messages" | "pictures" | "canvas">,
  abilities: Abilities,
): readonly Message[] {
  const said = messages.map(({ role, content }) => ({ role, text: content }));
  return fitToAbilities({ messages: said, pictures: pictures.length, canvas }, abilities).messages;
}

function saidIn({ answer: text, fields }: JudgedAnswer): string {
  const reading = fields?.find(({ name }) => name === CHOICE_FIELD)?.reading;
  return reading?.kind === "closed" ? String(reading.guess) : text;
}
