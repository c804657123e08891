import { orderFailure } from "#domain/check-fields.ts";
import type { Failure } from "#domain/failure.ts";
import { judgePictures, type PricedPicture, seenSizes } from "#domain/image/judge.ts";
import type { AnswerOptions, ReadOrder } from "#domain/question.ts";
import { type ModelCard, price, type Quote } from "#domain/quote.ts";
import { readStyleOf } from "#domain/read-style.ts";
import { readPlan } from "#domain/reading/read-plan.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import {
  type AskedWork,
  type PlannedWork,
  planReading,
  planWork,
  textBytes,
} from "#domain/work.ts";
import { type AskedQuestion, judgedFile } from "../questions/question-picture.ts";
import type { Job } from "./storage/answer-order.ts";

/** What is asked of a model, as far as its price depends on it. */
export interface Asked {
  readonly pictures: readonly PricedPicture[];
  readonly messages: number;
  readonly textBytes: number;
  readonly options: AnswerOptions;
  /** Absent: words are wanted. */
  readonly read?: ReadOrder;
}

/** Measures a question without decoding anything. Refuses with the `image_*` failure that answering it would end with. */
export function measure({
  messages,
  images,
  options,
  read,
}: AskedQuestion): Result<Asked, Failure> {
  const pictures = judgePictures(images.map(judgedFile));
  if (!pictures.ok) return pictures;
  const texts = messages.map(({ text }) => text);
  return ok({
    pictures: pictures.value,
    messages: messages.length,
    textBytes: textBytes(texts, options.suffix),
    options,
    ...(read === undefined ? {} : { read }),
  });
}

/** Prices what is asked, or refuses what can be seen without work: `images_not_supported`, and fields that this model does not read. */
export function appraise(
  asked: Asked,
  card: ModelCard,
): Result<{ readonly work: PlannedWork; readonly quote: Quote }, Failure> {
  if (asked.pictures.length > 0 && card.image === null)
    return refuse({ kind: "images_not_supported" });
  const work = planned({ ...asked, pictures: seenSizes(asked.pictures) }, card);
  return work.ok ? ok({ work: work.value, quote: price(work.value, card.prices) }) : work;
}

function planned(
  { read, ...asked }: AskedWork & Pick<Asked, "read">,
  card: ModelCard,
): Result<PlannedWork, Failure> {
  if (read === undefined) return ok(planWork(asked, card.image));
  const plan = readPlan(read, readStyleOf(card), card.abilities.canvas.limit);
  return plan.ok
    ? ok(planReading(asked, plan.value, card.image))
    : refuse(orderFailure(read, plan.refusal));
}

/** Lets a question in with its price, or refuses what `measure` and `appraise` refuse. */
export function admit(
  question: AskedQuestion,
  job: Omit<Job, "question" | "pictures" | "work" | "quote">,
): Result<Job, Failure> {
  const asked = measure(question);
  if (!asked.ok) return asked;
  const appraised = appraise(asked.value, job.card);
  const { pictures } = asked.value;
  return appraised.ok ? ok({ ...job, question, pictures, ...appraised.value }) : appraised;
}
