import { fitToAbilities } from "#domain/abilities.ts";
import { modeTerms, STANDARD_MODE, UNTOLD_REFRESH } from "#domain/modes.ts";
import { usualBlock } from "#domain/question.ts";
import type { DescribedModel } from "#inference/described-model.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { createModelHost } from "#inference/model-host.ts";
import { openModel } from "#inference/model-loader.ts";
import { loadKernels } from "#inference/runtime/kernels.ts";
import type { NodeEngineOptions } from "#inference/runtime/node-engine.ts";
import { answer } from "#model/answer.ts";
import type { PicturedQuestion } from "#model/prepare.ts";
import type { ReadableStore } from "#weights/object-store.ts";
import type { Answerer, AskedQuestion, Outcome } from "./answerer.ts";
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
  { messages, pictures, canvas, steps, mode, refresh, blockLength, stop }: AskedQuestion,
  { tools, card, abilities }: DescribedModel,
  signal: AbortSignal,
): Promise<Outcome> {
  const decoded = await decodeImages(await Promise.all(pictures.map(pictureBytes)));
  if (!decoded.ok) return { kind: "refused", code: decoded.refusal.kind };
  const question: PicturedQuestion = {
    messages: fitToAbilities(
      {
        messages: messages.map(({ role, content }) => ({ role, text: content })),
        pictures: pictures.length,
        canvas,
      },
      abilities,
    ).messages,
    pictures: decoded.value,
    options: {
      detail: "auto",
      canvas,
      steps,
      blockLength: blockLength ?? usualBlock(canvas, steps, card.block_length),
      ...modeTerms(mode ?? STANDARD_MODE, refresh ?? UNTOLD_REFRESH.standard),
      temperature: 0,
      seed: 0,
      stop,
    },
  };
  for await (const event of answer(question, tools, signal)) {
    if (event.kind === "answer.failed") return { kind: "refused", code: event.failure.kind };
    if (event.kind === "answer.completed")
      return {
        kind: "answered",
        answer: event.answer,
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
