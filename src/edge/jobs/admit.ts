import type { Failure } from "#domain/failure.ts";
import { readImageHeader, uprightSize } from "#domain/image/header.ts";
import type { Size } from "#domain/image/layout.ts";
import type { AnswerOptions, Question } from "#domain/question.ts";
import { type ModelCard, price, type Quote } from "#domain/quote.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { type PlannedWork, planWork, textBytes } from "#domain/work.ts";

/** A question that has been let in, with its price. */
export interface Job {
  readonly id: string;
  readonly accountId: string;
  readonly card: ModelCard;
  readonly question: Question;
  readonly work: PlannedWork;
  readonly quote: Quote;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** What is asked of a model, as far as its price depends on it. */
export interface Asked {
  /** Absent: whichever model is served. */
  readonly model?: string;
  readonly pictures: readonly Size[];
  readonly messages: number;
  readonly textBytes: number;
  readonly options: AnswerOptions;
}

/** Measures a question without decoding anything. Refuses with `image_unsupported` and `image_truncated`. */
export function measure({ messages, images, options }: Question): Result<Asked, Failure> {
  const pictures: Size[] = [];
  for (const [image, bytes] of images.entries()) {
    const header = readImageHeader(bytes);
    if (!header.ok)
      return refuse(
        header.refusal === "truncated"
          ? { kind: "image_truncated", image }
          : { kind: "image_unsupported", image, reason: header.refusal },
      );
    pictures.push(uprightSize(header.value));
  }
  const texts = messages.map(({ text }) => text);
  return ok({
    pictures,
    messages: messages.length,
    textBytes: textBytes(texts, options.suffix, utf8Length),
    options,
  });
}

/** Prices what is asked, or refuses what can be seen without work: `unknown_model`, `images_not_supported`. */
export function appraise(
  asked: Asked,
  card: ModelCard,
): Result<{ readonly work: PlannedWork; readonly quote: Quote }, Failure> {
  if (asked.model !== undefined && asked.model !== card.id)
    return refuse({ kind: "unknown_model", model: asked.model, known: [card.id] });
  if (asked.pictures.length > 0 && card.image === null)
    return refuse({ kind: "images_not_supported" });
  const work = planWork(asked, card.image);
  return ok({ work, quote: price(work, card.prices) });
}

/** Lets a question in with its price, or refuses what `measure` and `appraise` refuse. */
export function admit(
  request: { readonly question: Question; readonly model?: string },
  job: Omit<Job, "question" | "work" | "quote">,
): Result<Job, Failure> {
  const { question, model } = request;
  const asked = measure(question);
  if (!asked.ok) return asked;
  const named = model === undefined ? asked.value : { ...asked.value, model };
  const appraised = appraise(named, job.card);
  return appraised.ok ? ok({ ...job, question, ...appraised.value }) : appraised;
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
