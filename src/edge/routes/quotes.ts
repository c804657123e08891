import type { RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Warning } from "#domain/abilities.ts";
import type { Failure } from "#domain/failure.ts";
import { judgeSizes } from "#domain/image/judge.ts";
import { ok, type Result } from "#domain/result.ts";
import {
  quoteBody,
  quoteRequestSchema,
  quoteSchema,
  readSizeRequest,
  type SizeRequest,
} from "#wire/quotes.ts";
import { type EdgeEnv, settingsOf } from "../env.ts";
import { refused } from "../guard/errors.ts";
import { newId } from "../id.ts";
import { type Asked, appraise, measure } from "../jobs/admit.ts";
import { readStatus } from "../jobs/function.ts";
import { resolvePictures } from "../jobs/pictures.ts";
import { mayAsk } from "../keys/may-ask.ts";
import { readAnswerRequest } from "./answer-body.ts";
import { askerOf } from "./asking.ts";
import { mediaTypeOf } from "./body.ts";

/** How long a price stands: it only changes with the installation's settings, which are rolled out within minutes. */
const VALIDITY_MS = 5 * 60_000;

/** `POST /v1/quotes`: says what an answer would cost, to the micro-dollar, and costs nothing. */
export async function createQuote(c: Context<EdgeEnv>): Promise<Response> {
  const settings = settingsOf(c.env);
  const asked = await readAsked(c);
  if (!asked.ok) return refused(c, asked.refusal);
  const appraised = appraise(asked.value.asked, settings.card);
  if (!appraised.ok) return refused(c, appraised.refusal);
  const allowed = mayAsk(c.get("key"), settings.card.id);
  if (!allowed.ok) return refused(c, allowed.refusal);
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
}

async function readAsked(c: Context<EdgeEnv>): Promise<Result<AskedForQuote, Failure>> {
  if (mediaTypeOf(c) === "application/json") {
    const { card } = settingsOf(c.env);
    // Hono keeps the body, so whoever reads it next finds it again.
    const sized = readSizeRequest(new Uint8Array(await c.req.arrayBuffer()), card);
    if (!sized.ok) return sized;
    if (sized.value !== null) return measured(sized.value);
  }
  const request = await readAnswerRequest(c);
  if (!request.ok) return request;
  const { messages, options, model, pictures, warnings } = request.value;
  const images = await resolvePictures(askerOf(c), pictures);
  if (!images.ok) return images;
  const asked = measure({ messages, options, images: images.value });
  if (!asked.ok) return asked;
  return ok({ asked: { ...asked.value, ...(model === undefined ? {} : { model }) }, warnings });
}

/** A size is judged like the picture that has it: a price is told only for what can be answered. */
function measured({ warnings, ...request }: SizeRequest): Result<AskedForQuote, Failure> {
  const fitting = judgeSizes(request.pictures);
  if (!fitting.ok) return fitting;
  const pictures = request.pictures.map((size) => ({ ...size, orientation: 1 }));
  return ok({ asked: { ...request, pictures, messages: 1 }, warnings });
}

/** How `POST /v1/quotes` reads in the API's description. */
export const createQuoteRoute: RouteConfig = {
  method: "post",
  path: "/v1/quotes",
  summary: "Price an answer before asking",
  security: [{ key: [] }],
  request: {
    body: {
      required: true,
      description:
        "The body of an answer request, as JSON or a form, or only the size of one picture.",
      content: { "application/json": { schema: quoteRequestSchema } },
    },
  },
  responses: {
    200: {
      description: "The price, which is what a completed answer will be charged.",
      content: { "application/json": { schema: quoteSchema } },
    },
  },
};
