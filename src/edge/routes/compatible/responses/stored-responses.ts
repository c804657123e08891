import type { Context } from "hono";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { createdSeconds } from "#wire/compatible/chat-reply.ts";
import { type InputItemsQuery, inputItems } from "#wire/compatible/responses/input-items.ts";
import { answerIdOf, responseId } from "#wire/compatible/responses/response-id.ts";
import { refusedIncludesOf } from "#wire/compatible/responses/response-refusals.ts";
import { responseBody, type ToldTerms } from "#wire/compatible/responses/response-reply.ts";
import { responseEvents } from "#wire/compatible/responses/response-stream.ts";
import { untoldTerms } from "#wire/compatible/responses/response-terms.ts";
import { answersOf } from "../../../answers/answer-client.ts";
import type { AskedAs } from "../../../answers/answer-service.ts";
import type { EdgeEnv } from "../../../env.ts";
import { refused, refusedMissing } from "../../../guard/errors.ts";
import { readQuery } from "../../body.ts";
import { eventHeaders, viewerIn } from "../../reply-headers.ts";
import { textStream } from "../compatible-asking.ts";
import { instructionsIn, readingOf } from "./create-response.ts";

/** `GET /v1/responses/{id}`: the response as it stands, or its events. */
export async function showResponse(c: Context<EdgeEnv>): Promise<Response> {
  const query = readShown(c);
  if (!query.ok) return refused(c, query.refusal);
  const asked = await answersOf(c.env).asked(idIn(c), viewerIn(c));
  if (asked === null) return refusedMissing(c, "response");
  return query.value.stream === "true"
    ? await showResponseEvents(c, asked, query.value.starting_after)
    : replyWith(c, asked);
}

async function showResponseEvents(
  c: Context<EdgeEnv>,
  asked: AskedAs,
  after: number | undefined,
): Promise<Response> {
  const { body } = asked;
  const events = await answersOf(c.env).events(body.id, viewerIn(c), null);
  if (events === null) return refusedMissing(c, "response");
  const head = {
    ...{ answerId: body.id, model: body.model, created: createdSeconds(body) },
    ...{ told: toldTerms(asked), after },
  };
  const stream = textStream(c, events, {
    ...readingOf(head.told.terms),
    write: (updates) => responseEvents(updates, head),
    // It goes on, and can be heard again.
    cancel: () => undefined,
  });
  return c.body(stream, 200, { ...eventHeaders });
}

/** `POST /v1/responses/{id}/cancel`: stops it where it stands; one that has ended stays as it is. */
export async function cancelResponse(c: Context<EdgeEnv>): Promise<Response> {
  const [answers, id, viewer] = [answersOf(c.env), idIn(c), viewerIn(c)];
  // One that is not stored is gone once its end was told: what it was asked is read before.
  const asked = await answers.asked(id, viewer);
  const body = asked === null ? null : await answers.cancel(id, viewer);
  if (asked === null || body === null) return refusedMissing(c, "response");
  return replyWith(c, { ...asked, body });
}

/** `DELETE /v1/responses/{id}`: deletes one that has ended, and everything that came of it. */
export async function deleteResponse(c: Context<EdgeEnv>): Promise<Response> {
  const id = idIn(c);
  const deletion = await answersOf(c.env).delete(id, viewerIn(c));
  if (deletion === null) return refusedMissing(c, "response");
  if (deletion === "still running")
    return refused(c, { kind: "still_running", what: "answer", id });
  return c.json({ id: responseId(id), object: "response", deleted: true });
}

/** `GET /v1/responses/{id}/input_items`: what the response was asked, while that is kept. */
export async function listInputItems(c: Context<EdgeEnv>): Promise<Response> {
  const query = readItemsQuery(c);
  if (!query.ok) return refused(c, query.refusal);
  const before = await answersOf(c.env).asked(idIn(c), viewerIn(c));
  if (before === null) return refusedMissing(c, "response");
  const { asked, response, body } = before;
  if (asked === null) return refusedMissing(c, "question kept of response");
  const { hasInstructions } = response ?? untoldTerms;
  return c.json(inputItems(body.id, { ...asked, hasInstructions }, query.value), 200, {
    "cache-control": "no-store",
  });
}

function replyWith(c: Context<EdgeEnv>, asked: AskedAs): Response {
  const body = responseBody(asked.body, toldTerms(asked));
  return c.json(body, 200, { "cache-control": "no-store" });
}

function toldTerms({ response, asked, isStored }: AskedAs): ToldTerms {
  const terms = response ?? untoldTerms;
  const messages = terms.hasInstructions ? (asked?.messages ?? []) : [];
  return { terms, instructions: instructionsIn(messages), isStored };
}

function idIn(c: Context<EdgeEnv>): string {
  const id = answerIdOf(c.req.param("id") ?? "");
  c.set("answerId", id);
  return id;
}

interface ShownQuery {
  readonly stream?: "true" | "false" | undefined;
  readonly starting_after?: number | undefined;
}

/** Query of `GET /v1/responses/{id}`; what else stands in it is passed over. */
export const shownQuerySchema: z.ZodType<ShownQuery> = z.object({
  stream: z.enum(["true", "false"]).optional(),
  starting_after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional().meta({
    description: "With stream: the sequence_number of the last event that was heard.",
  }),
});

/** Query of `GET /v1/responses/{id}/input_items`; what else stands in it is passed over. */
export const itemsQuerySchema: z.ZodType<InputItemsQuery> = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  order: z.enum(["asc", "desc"]).default("desc"),
  after: z.string().min(1).max(128).optional(),
});

function readShown(c: Context<EdgeEnv>): Result<ShownQuery, Failure> {
  const includes = checkedIncludes(c);
  return includes.ok ? readQuery(c, shownQuerySchema) : includes;
}

function readItemsQuery(c: Context<EdgeEnv>): Result<InputItemsQuery, Failure> {
  const includes = checkedIncludes(c);
  return includes.ok ? readQuery(c, itemsQuerySchema) : includes;
}

/** Their clients write a list as `include[]`, others as `include`. */
function checkedIncludes(c: Context<EdgeEnv>): Result<null, Failure> {
  const names = [...(c.req.queries("include") ?? []), ...(c.req.queries("include[]") ?? [])];
  const problems = refusedIncludesOf(names, "/include");
  return problems.length === 0 ? ok(null) : refuse({ kind: "invalid_request", problems });
}
