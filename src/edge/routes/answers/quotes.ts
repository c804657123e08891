import type { Context } from "hono";
import * as z from "zod";
import type { Warning } from "#domain/abilities.ts";
import type { Failure } from "#domain/failure.ts";
import { judgeSizes } from "#domain/image/judge.ts";
import type { Allowance } from "#domain/limits.ts";
import type { ModelCard } from "#domain/quote.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import {
  quoteBody,
  quoteRequestSchema,
  quoteSchema,
  readSizeRequest,
  type SizeRequest,
} from "#wire/api/answers/quotes.ts";
import { asksForScores } from "#wire/api/answers/scores/score-request.ts";
import { describedChatSchema } from "#wire/compatible/chat-body.ts";
import { isJsonChat, parseChat } from "#wire/compatible/chat-request.ts";
import { cardDigest } from "#wire/function/model-card.ts";
import { type Asked, appraise, measure } from "../../answers/admit.ts";
import { letIn } from "../../answers/holds.ts";
import type { EdgeEnv } from "../../env.ts";
import { isHeard } from "../../fleet/policy/pool.ts";
import { readStatus } from "../../function/client.ts";
import { refused } from "../../guard/errors.ts";
import { newId } from "../../id.ts";
import { mayAsk } from "../../keys/may-ask.ts";
import type { RefusedHold } from "../../ledger/ledger-service.ts";
import { fleetServing } from "../../models/serving.ts";
import { resolvePictures } from "../../pictures/pictures.ts";
import { askedIn } from "../../questions/question-picture.ts";
import { settingsOf } from "../../settings.ts";
import { cardOf, namedModel, parsedOnce } from "../asked-card.ts";
import { mediaTypeOf, readJson } from "../body.ts";
import { byKey, jsonContent, type RouteConfig } from "../describe/route.ts";
import { callerContextOf, tellRates } from "../reply-headers.ts";
import { type ReadRequest, readAnswerJson, readAnswerRequest } from "./answer-body.ts";
import { answerContent } from "./answers-described.ts";
import { readScoreJson } from "./scores.ts";

/** How long a price stands unless the model's card changes: a question that brings the quote's card is then refused, and costs nothing. */
const VALIDITY_MS = 5 * 60_000;

/** A function that has its weights tells so from memory; who holds the connection for longer is starting it, so it is cold. */
const WARM_WORD_MS = 2_000;

/** `POST /v1/quotes`: says what an answer would cost, to the micro-dollar, and costs nothing. */
export async function createQuote(c: Context<EdgeEnv>): Promise<Response> {
  const asked = await readAsked(c);
  if (!asked.ok) {
    tellRates(c, asked.refusal.allowances);
    return refused(c, asked.refusal.failure);
  }
  tellRates(c, asked.value.allowances);
  const { card } = asked.value;
  const appraised = appraise(asked.value.asked, card);
  if (!appraised.ok) return refused(c, appraised.refusal);
  const body = quoteBody(appraised.value.quote, {
    id: newId("quo"),
    model: card.id,
    card: await cardDigest(card),
    isWarm: await isWarm(c, card.id),
    expiresAt: Date.now() + VALIDITY_MS,
    warnings: asked.value.warnings,
  });
  return c.json(body, 200, { "cache-control": "no-store" });
}

/** Whether one of the functions that serve the model has its weights: by its own word, or asked where it says none. */
async function isWarm(c: Context<EdgeEnv>, model: string): Promise<boolean> {
  const requestId = c.get("requestId");
  const waitUntil = (work: Promise<unknown>): void => c.executionCtx.waitUntil(work);
  const caller = { FLEET: c.env.FLEET, requestId, waitUntil };
  const { functions } = await fleetServing(model, settingsOf(c.env), caller);
  const now = Date.now();
  const registered = functions.filter(({ region }) => region !== "");
  if (registered.some((report) => report.state.kind === "warm" && isHeard(report, now)))
    return true;
  const { signal } = c.req.raw;
  const awake = functions.filter(({ region, state }) => region === "" && state.kind !== "asleep");
  const statuses = await Promise.all(
    awake.map(({ url }) => readStatus({ functionUrl: url, requestId, signal }, WARM_WORD_MS)),
  );
  return statuses.some((status) => status.ok && status.value.state === "ready");
}

interface AskedForQuote {
  readonly asked: Asked;
  readonly card: ModelCard;
  readonly warnings: readonly Warning[];
  readonly allowances: readonly Allowance[];
}

async function readAsked(c: Context<EdgeEnv>): Promise<Result<AskedForQuote, RefusedHold>> {
  if (mediaTypeOf(c) !== "application/json") return await readWhole(c, await readAnswerRequest(c));
  const sent = await readJson(c);
  if (!sent.ok) return unheld(sent.refusal);
  const body = parsedOnce(sent.value);
  const value = body.parse();
  if (value.ok && asksForScores(value.value))
    return await readWhole(c, await readScoreJson(c, body));
  const { card, readBy } = await cardOf(c, namedModel(body));
  const sized = readSizeRequest(body, readBy);
  if (!sized.ok) return unheld(sized.refusal);
  if (sized.value === null && isJsonChat(body)) {
    const chat = parseChat(body, readBy);
    return await readWhole(c, chat.ok ? ok({ request: chat.value.request, card }) : chat);
  }
  if (sized.value === null) return await readWhole(c, await readAnswerJson(c, body));
  const allowed = mayBeQuoted(c, card);
  return allowed.ok ? measured(sized.value, allowed.value) : unheld(allowed.refusal);
}

/** The card, where it is known and the key may ask its model. */
function mayBeQuoted(
  c: Context<EdgeEnv>,
  card: Result<ModelCard, Failure>,
): Result<ModelCard, Failure> {
  if (!card.ok) return card;
  const allowed = mayAsk(c.get("key"), card.value.id);
  return allowed.ok ? card : allowed;
}

/** Measures an answer request, whose pictures are had for it. */
async function readWhole(
  c: Context<EdgeEnv>,
  read: Result<ReadRequest, Failure>,
): Promise<Result<AskedForQuote, RefusedHold>> {
  if (!read.ok) return unheld(read.refusal);
  const allowed = mayBeQuoted(c, read.value.card);
  if (!allowed.ok) return unheld(allowed.refusal);
  const card = allowed.value;
  const { request } = read.value;
  const caller = callerContextOf(c);
  // A quote that fetches pictures counts as a request, of no steps.
  const before = await letIn(caller, [request], { card, steps: 0, idempotency: null });
  if (!before.ok) return before;
  const { pictures, warnings } = request;
  const images = await resolvePictures(caller, pictures);
  if (!images.ok) return unheld(images.refusal);
  const measuredAll = measure({ ...askedIn(request), images: images.value });
  if (!measuredAll.ok) return unheld(measuredAll.refusal);
  const allowances = before.value?.kind === "new" ? before.value.allowances : [];
  return ok({ asked: measuredAll.value, card, warnings, allowances });
}

function unheld(failure: Failure): Result<never, RefusedHold> {
  return refuse({ failure, allowances: [] });
}

/** A size is judged like the picture that has it: a price is told only for what can be answered. */
function measured(
  { warnings, ...request }: SizeRequest,
  card: ModelCard,
): Result<AskedForQuote, RefusedHold> {
  const fitting = judgeSizes(request.pictures);
  if (!fitting.ok) return unheld(fitting.refusal);
  const pictures = request.pictures.map((size) => ({ ...size, orientation: 1 }));
  return ok({ asked: { ...request, pictures, messages: 1 }, card, warnings, allowances: [] });
}

const quotedSchema = z.union([quoteRequestSchema, describedChatSchema]);

/** How `POST /v1/quotes` reads in the API's description. */
export const createQuoteRoute: RouteConfig = {
  method: "post",
  path: "/v1/quotes",
  operationId: "createQuote",
  summary: "Price an answer before asking",
  security: byKey,
  request: {
    body: {
      required: true,
      description:
        "The body of an answer request, as JSON or a form, that of a request for scores, or only the size of one picture; or that of a chat which wants JSON (response_format, or a function that it forces).",
      content: { ...answerContent, "application/json": { schema: quotedSchema } },
    },
  },
  responses: {
    200: {
      description: "The price, which is what a completed answer will be charged.",
      headers: ["RateLimit", "RateLimit-Policy"],
      content: jsonContent(quoteSchema),
    },
  },
};
