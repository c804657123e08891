import type { Failure } from "#domain/failure.ts";
import { ZERO } from "#domain/micros.ts";
import type { ModelCard } from "#domain/quote.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AskedKeeping, Retention } from "#domain/retention.ts";
import { untouched } from "#domain/told-so-far.ts";
import { answerBody } from "#wire/api/answers/responses.ts";
import { cardDigest } from "#wire/function/model-card.ts";
import type { CallerContext } from "../caller-context.ts";
import { mayAsk } from "../keys/may-ask.ts";
import { resolvePictures } from "../pictures/pictures.ts";
import type { UploadsBinding } from "../pictures/uploads.ts";
import { type AskedQuestion, askedIn } from "../questions/question-picture.ts";
import { mayTell } from "../webhooks/webhook-address.ts";
import { admit } from "./admit.ts";
import { newAnswerId } from "./answer-id.ts";
import { type AskedAnswer, type AskedRequest, type Asking, atOnce } from "./asking.ts";
import type { Job } from "./storage/answer-order.ts";

/** What can be refused before anything is fetched or counted; else the card by which it is priced. */
export async function mayBeAsked(
  { key, settings }: CallerContext,
  { card, request }: Pick<Asking, "card" | "request">,
): Promise<Result<ModelCard, Failure>> {
  if (!card.ok) return card;
  const allowed = mayAsk(key, card.value.id);
  if (!allowed.ok) return allowed;
  const { cardDigest: quoted } = request;
  if (quoted !== null && quoted !== (await cardDigest(card.value)))
    return refuse({ kind: "card_changed", model: card.value.id });
  const kept = mayBeKept({ ...settings.retention, ...key.accountRetention }, request.keeping);
  if (!kept.ok) return kept;
  const tellable = mayTell(request.webhook?.url, settings, "/webhook");
  return tellable.ok ? card : tellable;
}

/** Refuses times that are longer than the account's: an answer would be gone sooner than its caller thinks. */
function mayBeKept(account: Retention, asked: AskedKeeping): Result<void, Failure> {
  const problems = (["question", "answer"] as const).flatMap((what) => {
    const [longest, wanted] = [account[`${what}Ms`], asked[`${what}Ms`]];
    if (wanted === null || wanted <= longest) return [];
    const message = `is ${wanted / 1000}; this account keeps it for ${longest / 1000} s at most`;
    return [{ pointer: `/retention/${what}_seconds`, message }];
  });
  return problems.length === 0 ? ok(undefined) : refuse({ kind: "invalid_request", problems });
}

/** What a question is priced by, and when. Times are milliseconds since 1970. */
interface JobTerms {
  readonly card: ModelCard;
  readonly createdAt: number;
  readonly deadlineAt: number | null;
}

/** Gets the pictures, and prices the question under an id of its own. */
export async function readJob(
  caller: CallerContext<UploadsBinding>,
  request: AskedRequest,
  { card, createdAt, deadlineAt }: JobTerms,
): Promise<Result<Job, Failure>> {
  const { key } = caller;
  const { warnings } = request;
  const images = await resolvePictures(caller, request.pictures, deadlineAt);
  if (!images.ok) return images;
  const question: AskedQuestion = { ...askedIn(request), images: images.value };
  const { accountId } = key;
  return admit(question, { id: newAnswerId(), accountId, card, warnings, createdAt });
}

/** The deadline came while a picture was on its way: nothing was seen, nothing ran, nothing is charged, and nothing is kept. */
export function partialAtOnce(
  { options, read, warnings }: AskedRequest,
  { card, createdAt }: Pick<JobTerms, "card" | "createdAt">,
): AskedAnswer {
  const body = answerBody(
    untouched(options.canvas, read),
    {
      jobId: newAnswerId(),
      status: "partial",
      model: card.id,
      modelDigest: null,
      numerics: null,
      restarts: 0,
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
