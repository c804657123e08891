import type { Context } from "hono";
import * as z from "zod";
import { placeInStream } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result } from "#domain/result.ts";
import { answerListQuerySchema, answerSummary } from "#wire/api/answers/answer-list.ts";
import type { AnswerRequest } from "#wire/api/answers/requests.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { decodeCursor, pageOf } from "#wire/api/page.ts";
import { answersOf } from "../../answers/answer-client.ts";
import type { Asking } from "../../answers/asking.ts";
import { AnswerIndex, type AnswerPlace } from "../../answers/storage/answer-index.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused, refusedMissing } from "../../guard/errors.ts";
import { isAcceptable, preferredType } from "../../headers/accept.ts";
import { cacheDirectives } from "../../headers/cache-control.ts";
import { cancelAfter } from "../../headers/cancel-after.ts";
import { idempotencyOf } from "../../headers/idempotency.ts";
import { waitPreference } from "../../headers/prefer.ts";
import { askedCard } from "../asked-card.ts";
import { readQuery } from "../body.ts";
import { pageReply } from "../list.ts";
import { entityTag, eventHeaders, viewerIn } from "../reply-headers.ts";
import { type ReadRequest, readAnswerRequest } from "./answer-body.ts";
import { askAndReply } from "./ask-and-reply.ts";
import { deletionReply } from "./deletion-reply.ts";

const EVENTS = "text/event-stream";

/** `POST /v1/answers`: asks, and waits for the answer, listens to it being made, or comes back for it. */
export async function createAnswer(c: Context<EdgeEnv>): Promise<Response> {
  const read = await readTimedRequest(c);
  if (!read.ok) return refused(c, read.refusal);
  const { request, card } = read.value;
  const idempotency = await idempotencyOf(c, request, askedCard(card).readBy);
  if (!idempotency.ok) return refused(c, idempotency.refusal);
  const wantsEvents = request.wantsStream || acceptsEvents(c);
  const { waitMs, applied } = waitPreference(c.req.header("prefer"));
  const asking: Asking = {
    request,
    card,
    idempotency: idempotency.value,
    directives: cacheDirectives(c.req.header("cache-control")),
    delivery: wantsEvents ? { kind: "events" } : { kind: "body", waitMs },
  };
  return await askAndReply(c, asking, {
    body: (answer) => {
      if (applied !== null) c.header("preference-applied", applied);
      return answerReply(c, answer, request.cache);
    },
    events: ({ answerId, events, isUnderWay }) => {
      // So that a client whose stream breaks before its first event can come back, and cancel.
      if (isUnderWay) c.header("location", `/v1/answers/${answerId}`);
      return c.body(events, 200, { ...eventHeaders });
    },
  });
}

/** Reads the request with the sooner of its two deadlines: `deadline_ms`, and Replicate's `Cancel-After`. */
async function readTimedRequest(c: Context<EdgeEnv>): Promise<Result<ReadRequest, Failure>> {
  const read = await readAnswerRequest(c);
  if (!read.ok) return read;
  const after = cancelAfter(c.req.header("cancel-after"));
  if (!after.ok) return after;
  const { request, card } = read.value;
  const deadlines = [request.deadlineMs, after.value].filter((time) => time !== null);
  const deadlineMs = deadlines.length === 0 ? null : Math.min(...deadlines);
  return ok({ request: { ...request, deadlineMs }, card });
}

function answerReply(
  c: Context<EdgeEnv>,
  body: AnswerBody,
  cache: AnswerRequest["cache"],
): Response {
  if (body.ended_at === null) {
    return c.json(body, 202, {
      location: `/v1/answers/${body.id}`,
      "retry-after": "1",
      "cache-control": "no-store",
    });
  }
  return c.json(body, 200, { "cache-control": keepingOf(body, cache), ...entityTag(body) });
}

/** Which caches may keep an answer: none a partial or cancelled one, for the next is another. */
function keepingOf({ status }: AnswerBody, cache: AnswerRequest["cache"]): string {
  if (status !== "completed" || cache === "off") return "no-store";
  return cache === "shared" ? "public" : "private";
}

/** `GET /v1/answers/{id}`: the answer as it stands. */
export async function showAnswer(c: Context<EdgeEnv>): Promise<Response> {
  const body = await answersOf(c.env).show(answerIdOf(c), viewerIn(c));
  if (body === null) return refusedMissing(c, "answer");
  const tag = entityTag(body);
  const headers = { "cache-control": "private, no-cache", ...tag };
  if (isKnown(c.req.header("if-none-match"), tag["etag"])) return c.body(null, 304, headers);
  return c.json(body, 200, headers);
}

/** Whether a caller has it already. Compared weakly: a proxy that compressed the reply has marked its tag. Source: RFC 9110 section 13.1.2. */
function isKnown(header: string | undefined, tag: string | undefined): boolean {
  const known = (header ?? "").split(",").map((one) => one.trim().replace(/^W\//, ""));
  return known.includes("*") || (tag !== undefined && known.includes(tag));
}

/** `GET /v1/answers/{id}/events`: the answer's events behind `Last-Event-ID`, then those to come; 204 to who has heard the end, 406 to who takes no events. */
export async function showAnswerEvents(c: Context<EdgeEnv>): Promise<Response> {
  const id = answerIdOf(c);
  // Whoever waits for the end of a JSON text would wait for the end of the answer, and then could not read it.
  if (!isAcceptable(c.req.header("accept"), EVENTS))
    return refused(c, { kind: "not_acceptable", offered: EVENTS, instead: `/v1/answers/${id}` });
  const after = placeOf(c.req.header("last-event-id") ?? c.req.query("after"), id);
  if (!after.ok) return refused(c, after.refusal);
  const viewer = viewerIn(c);
  // An EventSource comes back after every end of a stream, until it is told that there is nothing more.
  const heard = after.value === null ? null : await answersOf(c.env).read(id, viewer);
  if (heard !== null && isEndHeard(heard, after.value)) return c.body(null, 204);
  const stream = await answersOf(c.env).events(id, viewer, after.value);
  if (stream === null) return refusedMissing(c, "answer");
  return c.body(stream, 200, { ...eventHeaders });
}

function isEndHeard({ ended_at, usage, restarts }: AnswerBody, place: number | null): boolean {
  return ended_at !== null && place !== null && place > placeInStream(restarts, usage.steps);
}

/** Reads `<answer>.<place>`, or the place alone. */
function placeOf(lastId: string | undefined, answerId: string): Result<number | null, Failure> {
  if (lastId === undefined || lastId === "") return ok(null);
  const place = lastId.startsWith(`${answerId}.`) ? lastId.slice(answerId.length + 1) : lastId;
  if (/^[0-9]{1,9}$/.test(place)) return ok(Number(place));
  const problem = { pointer: "/Last-Event-ID", message: "is no event of this answer" };
  return { ok: false, refusal: { kind: "invalid_request", problems: [problem] } };
}

/** `POST /v1/answers/{id}/cancel`: stops it where it stands, and says what was charged. */
export async function cancelAnswer(c: Context<EdgeEnv>): Promise<Response> {
  const body = await answersOf(c.env).cancel(answerIdOf(c), viewerIn(c));
  if (body === null) return refusedMissing(c, "answer");
  return c.json(body, 200, { "cache-control": "no-store" });
}

/** `DELETE /v1/answers/{id}`: deletes one that has ended, and everything that came of it. */
export async function deleteAnswer(c: Context<EdgeEnv>): Promise<Response> {
  const id = answerIdOf(c);
  return deletionReply(c, "answer", id, await answersOf(c.env).delete(id, viewerIn(c)));
}

/** `GET /v1/answers`: the account's answers, or a client token's own, newest first. */
export async function listAnswers(c: Context<EdgeEnv>): Promise<Response> {
  const query = readQuery(c, answerListQuerySchema);
  if (!query.ok) return refused(c, query.refusal);
  const { limit, after, status } = query.value;
  const place = after === undefined ? undefined : decodeCursor(after, placeSchema);
  if (place?.ok === false) return refused(c, place.refusal);
  const rows = await new AnswerIndex(c.env.DB).list(
    viewerIn(c),
    { status, after: place?.value },
    limit + 1,
  );
  return pageReply(
    c,
    pageOf(rows, limit, answerSummary, ({ createdAt, id }) => [createdAt, id]),
  );
}

const placeSchema: z.ZodType<AnswerPlace> = z.tuple([z.int().nonnegative(), z.string()]);

function answerIdOf(c: Context<EdgeEnv>): string {
  const id = c.req.param("id") ?? "";
  c.set("answerId", id);
  return id;
}

function acceptsEvents(c: Context<EdgeEnv>): boolean {
  return preferredType(c.req.header("accept"), ["application/json", EVENTS]) === EVENTS;
}
