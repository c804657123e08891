import { untouched } from "#domain/answer-text.ts";
import type { Failure } from "#domain/failure.ts";
import { ZERO } from "#domain/micros.ts";
import { type Result, refuse } from "#domain/result.ts";
import { answerBody } from "#wire/api/answers/responses.ts";
import type { CallerContext } from "../caller-context.ts";
import { newId } from "../id.ts";
import { mayAsk } from "../keys/may-ask.ts";
import { resolvePictures } from "../pictures/pictures.ts";
import type { UploadsBinding } from "../pictures/uploads.ts";
import type { AskedQuestion } from "../questions/question-picture.ts";
import { mayTell } from "../webhooks/webhook-address.ts";
import { admit } from "./admit.ts";
import { type AskedAnswer, type AskedRequest, atOnce } from "./asking.ts";
import type { Job } from "./storage/answer-order.ts";

/** What can be refused before anything is fetched or counted. */
export function mayBeAsked(
  { key, settings }: CallerContext,
  request: AskedRequest,
): Result<unknown, Failure> {
  const { model } = request;
  if (model !== undefined && model !== settings.card.id)
    return refuse({ kind: "unknown_model", model, known: [settings.card.id] });
  const allowed = mayAsk(key, settings.card.id);
  if (!allowed.ok) return allowed;
  return mayTell(request.webhook?.url, settings, "/webhook");
}

/** Gets the pictures, and prices the question under an id of its own. Times are milliseconds since 1970. */
export async function readJob(
  caller: CallerContext<UploadsBinding>,
  request: AskedRequest,
  { createdAt, deadlineAt }: { readonly createdAt: number; readonly deadlineAt: number | null },
): Promise<Result<Job, Failure>> {
  const { key, settings } = caller;
  const { messages, options, warnings } = request;
  const images = await resolvePictures(caller, request.pictures, deadlineAt);
  if (!images.ok) return images;
  const question: AskedQuestion = { messages, options, images: images.value };
  const { accountId } = key;
  const { card } = settings;
  return admit({ question }, { id: newId("ans"), accountId, card, warnings, createdAt });
}

/** The deadline came while a picture was on its way: nothing was seen, nothing ran, nothing is charged, and nothing is kept. */
export function partialAtOnce(
  { settings }: CallerContext,
  { options, warnings }: AskedRequest,
  createdAt: number,
): AskedAnswer {
  const body = answerBody(
    untouched(options.canvas),
    {
      jobId: newId("ans"),
      status: "partial",
      model: settings.card.id,
      modelDigest: null,
      digest: null,
      createdAt,
      endedAt: Date.now(),
      error: null,
      warnings,
    },
    ZERO,
  );
  return {
    answerId: body.id,
    told: { kind: "body", body },
    isReplay: false,
    allowances: [],
    cache: { kind: "bypass" },
    timings: atOnce,
  };
}
