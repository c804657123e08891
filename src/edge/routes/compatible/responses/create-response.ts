import type { Context } from "hono";
import type { Failure } from "#domain/failure.ts";
import type { Message } from "#domain/question.ts";
import { ok, type Result } from "#domain/result.ts";
import type { JsonBody } from "#wire/body/json-body.ts";
import { placesOf, shapeOf } from "#wire/compatible/responses/response-format.ts";
import { responseBody, type ToldTerms } from "#wire/compatible/responses/response-reply.ts";
import {
  parseResponse,
  type ResponseRequest,
  responseRequest,
  type SentResponse,
} from "#wire/compatible/responses/response-request.ts";
import { responseEvents } from "#wire/compatible/responses/response-stream.ts";
import type { ResponseTerms } from "#wire/compatible/responses/response-terms.ts";
import { growingJson } from "#wire/compatible/structured/growing-json.ts";
import { answersOf } from "../../../answers/answer-client.ts";
import { ask, askedBefore } from "../../../answers/ask.ts";
import type { Asking } from "../../../answers/asking.ts";
import type { EdgeEnv } from "../../../env.ts";
import { refused } from "../../../guard/errors.ts";
import { cacheDirectives } from "../../../headers/cache-control.ts";
import { idempotencyOf } from "../../../headers/idempotency.ts";
import { type Rendering, replyTo } from "../../answers/ask-and-reply.ts";
import { type AskedCard, cardOf, namedModel, parsedOnce } from "../../asked-card.ts";
import { readJson } from "../../body.ts";
import { callerContextOf, viewerIn } from "../../reply-headers.ts";
import {
  type CompatibleRendering,
  compatibleDelivery,
  renderingFor,
} from "../compatible-asking.ts";
import { namesEarlier, recallEarlier } from "./recalling.ts";

/** `POST /v1/responses`: asks as new code of OpenAI's clients does. */
export async function createResponse(c: Context<EdgeEnv>): Promise<Response> {
  const arrived = await readJson(c);
  if (!arrived.ok) return refused(c, arrived.refusal);
  const sent = parsedOnce(arrived.value);
  const parsed = parseResponse(sent);
  if (!parsed.ok) return refused(c, parsed.refusal);
  const asked = await cardOf(c, namedModel(sent));
  const read = responseRequest(parsed.value, { card: asked.readBy, sent });
  if (!read.ok) return refused(c, read.refusal);
  const { request, terms } = read.value;
  const named = namedIn(parsed.value);
  const idempotency = await idempotencyOf(c, request, asked.readBy, named);
  if (!idempotency.ok) return refused(c, idempotency.refusal);
  const asking: Asking = {
    ...{ request, card: asked.card, idempotency: idempotency.value, response: terms },
    directives: cacheDirectives(c.req.header("cache-control")),
    delivery: deliveryOf(read.value),
  };
  const rendering = renderingOf(c, asking, asked);
  if (!namesEarlier(parsed.value)) return await answered(c, asking, rendering);
  const goingOn = await goOn(c, parsed.value, { sent, asked, asking });
  if (goingOn.ok) return await answered(c, goingOn.value, renderingOf(c, goingOn.value, asked));
  // What was paid is told again, also when what it went on from is gone by now.
  const earlier = await askedBefore(callerContextOf(c), idempotency.value);
  if (earlier === null) return refused(c, goingOn.refusal);
  return replyTo(c, asking, earlier, rendering);
}

async function answered(
  c: Context<EdgeEnv>,
  asking: Asking,
  rendering: Rendering,
): Promise<Response> {
  return replyTo(c, asking, await ask(callerContextOf(c), asking), rendering);
}

/** The same question with what was told before in it. */
async function goOn(
  c: Context<EdgeEnv>,
  parsed: SentResponse,
  { sent, asked, asking }: { sent: JsonBody; asked: AskedCard; asking: Asking },
): Promise<Result<Asking, Failure>> {
  const recalled = await recallEarlier(answersOf(c.env), viewerIn(c), parsed);
  if (!recalled.ok) return recalled;
  const read = responseRequest(parsed, { card: asked.readBy, sent }, recalled.value);
  if (!read.ok) return read;
  const { request, terms } = read.value;
  const pictures = [...recalled.value.pictures, ...request.pictures];
  return ok({ ...asking, request: { ...request, pictures }, response: terms });
}

function deliveryOf({ wantsStream, terms }: ResponseRequest): Asking["delivery"] {
  return terms.isBackground && !wantsStream
    ? { kind: "body", waitMs: 0 }
    : compatibleDelivery(wantsStream);
}

/** What of a body tells two apart that ask for the same: what they go on from, what is kept with them, and how they are written. */
function namedIn({ body, format }: SentResponse): readonly string[] {
  const { previous_response_id: previousId, metadata = {} } = body;
  const pairs = Object.entries(metadata);
  const isPlain = previousId === undefined && pairs.length === 0 && format === undefined;
  return isPlain ? [] : [JSON.stringify([previousId ?? null, pairs, format ?? null])];
}

function renderingOf(c: Context<EdgeEnv>, asking: Asking, { card }: AskedCard): Rendering {
  const told = toldTerms(asking);
  // Of a model that cannot be asked nothing is streamed but what was told before.
  const model = card.ok ? card.value.id : (asking.request.model ?? "");
  return renderingFor(
    c,
    asking,
    {
      whole: (answer) => responseBody(answer, told),
      ...readingOf(told.terms),
      stream: (updates, answerId) => {
        const created = Math.floor(Date.now() / 1000);
        return responseEvents(updates, { answerId, model, created, told });
      },
    },
    told.terms.isBackground,
  );
}

function toldTerms({ request, response }: Asking): ToldTerms {
  if (response === undefined) throw new Error("a response is asked without its terms");
  return {
    terms: response,
    instructions: instructionsIn(response.hasInstructions ? request.messages : []),
    isStored: request.keeping.isStored,
  };
}

/** How a response is told: as the value of its schema, where it has one. */
export function readingOf({
  format,
}: ResponseTerms): Pick<CompatibleRendering, "grow" | "placeOf"> {
  const placeOf = placesOf(format);
  const shape = shapeOf(format);
  if (shape === undefined) return { placeOf };
  return { placeOf, grow: (messages, refusal) => growingJson(messages, refusal, shape) };
}

/** The text of the message that instructions stand in, the first; null where there is none. */
export function instructionsIn(messages: readonly Message[]): string | null {
  return messages[0]?.text ?? null;
}
