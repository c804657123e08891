import type { Context } from "hono";
import type { Warning } from "#domain/abilities.ts";
import type { Failure } from "#domain/failure.ts";
import { judgeSizes } from "#domain/image/judge.ts";
import type { Allowance } from "#domain/limits.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import {
  quoteBody,
  quoteRequestSchema,
  quoteSchema,
  readSizeRequest,
  type SizeRequest,
} from "#wire/api/answers/quotes.ts";
import { type AnswerRequest, parseAnswerJson } from "#wire/api/answers/requests.ts";
import { type Asked, appraise, measure } from "../../answers/admit.ts";
import { letIn } from "../../answers/holds.ts";
import type { EdgeEnv } from "../../env.ts";
import { readStatus } from "../../function/client.ts";
import { refused } from "../../guard/errors.ts";
import { newId } from "../../id.ts";
import { mayAsk } from "../../keys/may-ask.ts";
import type { RefusedHold } from "../../ledger/ledger-service.ts";
import { resolvePictures } from "../../pictures/pictures.ts";
import { settingsOf } from "../../settings.ts";
import { mediaTypeOf, readJson } from "../body.ts";
import { byKey, jsonContent, type RouteConfig } from "../describe/route.ts";
import { callerContextOf, tellRates } from "../reply-headers.ts";
import { readAnswerRequest } from "./answer-body.ts";
import { answerContent } from "./answers-described.ts";

/** How long a price stands: it only changes with the installation's settings, which are rolled out within minutes. */
const VALIDITY_MS = 5 * 60_000;

/** `POST /v1/quotes`: says what an answer would cost, to the micro-dollar, and costs nothing. */
export async function createQuote(c: Context<EdgeEnv>): Promise<Response> {
  const settings = settingsOf(c.env);
  const allowed = mayAsk(c.get("key"), settings.card.id);
  if (!allowed.ok) return refused(c, allowed.refusal);
  const asked = await readAsked(c);
  if (!asked.ok) {
    tellRates(c, asked.refusal.allowances);
    return refused(c, asked.refusal.failure);
  }
  tellRates(c, asked.value.allowances);
  const appraised = appraise(asked.value.asked, settings.card);
  if (!appraised.ok) return refused(c, appraised.refusal);
  const status = await readStatus({
    functionUrl: settings.functionUrl,
    requestId: c.get("requestId"),
    signal: c.req.raw.signal,
  });
  const body = quoteBody(appraised.value.quote, {
    id: newId("quo"),
    model: settings.card.id,
    isWarm: status.ok && status.value.state === "ready",
    expiresAt: Date.now() + VALIDITY_MS,
    warnings: asked.value.warnings,
  });
  return c.json(body, 200, { "cache-control": "no-store" });
}

interface AskedForQuote {
  readonly asked: Asked;
  readonly warnings: readonly Warning[];
  readonly allowances: readonly Allowance[];
}

async function readAsked(c: Context<EdgeEnv>): Promise<Result<AskedForQuote, RefusedHold>> {
  if (mediaTypeOf(c) === "application/json") {
    const { card } = settingsOf(c.env);
    const body = await readJson(c);
    if (!body.ok) return unheld(body.refusal);
    const sized = readSizeRequest(body.value, card);
    if (!sized.ok) return unheld(sized.refusal);
    if (sized.value !== null) return measured(sized.value);
    return await readWhole(c, parseAnswerJson(body.value, card));
  }
  return await readWhole(c, await readAnswerRequest(c));
}

/** Measures an answer request, whose pictures are had for it. */
async function readWhole(
  c: Context<EdgeEnv>,
  request: Result<AnswerRequest, Failure>,
): Promise<Result<AskedForQuote, RefusedHold>> {
  if (!request.ok) return unheld(request.refusal);
  const caller = callerContextOf(c);
  // A quote that fetches pictures counts as a request, of no steps.
  const before = await letIn(caller, [request.value], { steps: 0, idempotency: null });
  if (!before.ok) return before;
  const { messages, options, model, pictures, warnings } = request.value;
  const images = await resolvePictures(caller, pictures);
  if (!images.ok) return unheld(images.refusal);
  const measuredAll = measure({ messages, options, images: images.value });
  if (!measuredAll.ok) return unheld(measuredAll.refusal);
  const asked = { ...measuredAll.value, ...(model === undefined ? {} : { model }) };
  const allowances = before.value?.kind === "new" ? before.value.allowances : [];
  return ok({ asked, warnings, allowances });
}

function unheld(failure: Failure): Result<never, RefusedHold> {
  return refuse({ failure, allowances: [] });
}

/** A size is judged like the picture that has it: a price is told only for what can be answered. */
function measured({ warnings, ...request }: SizeRequest): Result<AskedForQuote, RefusedHold> {
  const fitting = judgeSizes(request.pictures);
  if (!fitting.ok) return unheld(fitting.refusal);
  const pictures = request.pictures.map((size) => ({ ...size, orientation: 1 }));
  return ok({ asked: { ...request, pictures, messages: 1 }, warnings, allowances: [] });
}

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
        "The body of an answer request, as JSON or a form, or only the size of one picture.",
      content: { ...answerContent, "application/json": { schema: quoteRequestSchema } },
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
