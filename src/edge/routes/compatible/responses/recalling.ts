import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { textOf } from "#wire/compatible/responses/response-format.ts";
import { answerIdOf, answerIdOfMessage } from "#wire/compatible/responses/response-id.ts";
import type {
  ItemReference,
  Recalled,
  SentResponse,
} from "#wire/compatible/responses/response-request.ts";
import { MAX_NAME_LENGTH } from "#wire/limits.ts";
import type { Answers, AskedAs } from "../../../answers/answer-service.ts";
import type { Viewer } from "../../../keys/viewer.ts";
import type { AskedPicture } from "../../../pictures/pictures.ts";

/** What a response goes on from. */
export interface RecalledTurns extends Recalled {
  /** The pictures of its turns, where they are kept. */
  readonly pictures: readonly AskedPicture[];
}

/** Whether a body names anything that was told before. */
export function namesEarlier({ body, references }: SentResponse): boolean {
  return body.previous_response_id !== undefined || references.length > 0;
}

/**
 * Looks up what a body names of what was told before to the same caller. Refuses with `previous_response_not_found`, which says
 * what of it cannot be had.
 */
export async function recallEarlier(
  answers: Answers,
  viewer: Viewer,
  { body, references }: SentResponse,
): Promise<Result<RecalledTurns, Failure>> {
  const texts = await textsOf(answers, viewer, references);
  if (!texts.ok) return texts;
  const { previous_response_id: previousId } = body;
  if (previousId === undefined) return ok({ texts: texts.value, pictures: [] });
  const turns = await turnsOf(answers, viewer, previousId);
  return turns.ok ? ok({ ...turns.value, texts: texts.value }) : turns;
}

async function textsOf(
  answers: Answers,
  viewer: Viewer,
  references: readonly ItemReference[],
): Promise<Result<ReadonlyMap<string, string>, Failure>> {
  const texts = new Map<string, string>();
  const told = await Promise.all(
    references.map(async ({ id }) => {
      const answerId = answerIdOfMessage(id);
      return answerId === undefined ? null : await answers.asked(answerId, viewer);
    }),
  );
  for (const [index, { id, pointer }] of references.entries()) {
    const before = told[index] ?? null;
    const why = before === null ? "missing" : whyUnanswered(before.body);
    if (before === null || why !== null) return refuse(notFound(pointer, id, why ?? "missing"));
    texts.set(id, textIn(before));
  }
  return ok(texts);
}

/** The conversation of a response that has ended, with its answer as the last message and without its instructions. */
async function turnsOf(
  answers: Answers,
  viewer: Viewer,
  previousId: string,
): Promise<Result<Omit<RecalledTurns, "texts">, Failure>> {
  const answerId = answerIdOf(previousId);
  const refused = (why: NotFound["why"]): Result<never, Failure> =>
    refuse(notFound("/previous_response_id", previousId, why));
  const before = await answers.asked(answerId, viewer);
  if (before === null) return refused("missing");
  const why = whyUnanswered(before.body);
  if (why !== null) return refused(why);
  const kept = before.asked === null ? null : await answers.kept(answerId, viewer);
  if (kept === null || before.asked === null) return refused("forgotten");
  const { images } = kept.order.job.question;
  return ok({
    turns: { ...before.asked, messages: withAnswer(before, before.asked.messages) },
    pictures: images.map((picture) => ({ kind: "kept", picture })),
  });
}

function withAnswer(
  before: AskedAs,
  asked: NonNullable<AskedAs["asked"]>["messages"],
): NonNullable<AskedAs["asked"]>["messages"] {
  const said = before.response?.hasInstructions === true ? asked.slice(1) : asked;
  return [...said, { role: "assistant", text: textIn(before) }];
}

function textIn({ body, response }: AskedAs): string {
  return textOf(body, response?.format).text;
}

type NotFound = Extract<Failure, { kind: "previous_response_not_found" }>;

/** Why there is no answer to go on from; null where there is one. */
function whyUnanswered({ status }: AskedAs["body"]): "running" | "unanswered" | null {
  if (status === "queued" || status === "running") return "running";
  return status === "completed" || status === "partial" ? null : "unanswered";
}

function notFound(pointer: string, id: string, why: NotFound["why"]): NotFound {
  // Threat: a reply as long as the body. No id that was ever given out is longer.
  return {
    kind: "previous_response_not_found",
    ...{ pointer, id: id.slice(0, MAX_NAME_LENGTH), why },
  };
}
