import type { Context } from "hono";
import type * as z from "zod";
import { moondreamPlaces } from "#wire/compatible/moondream.ts";
import {
  detectBody,
  detectSchema,
  IN_WORDS_ONLY,
  type PlaceFound,
  parseMoondreamPlace,
  placeFound,
  placeSchema,
  pointBody,
  pointSchema,
} from "#wire/compatible/moondream-places.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused } from "../../guard/errors.ts";
import { cardOf } from "../asked-card.ts";
import { readAnyJson } from "../body.ts";
import { askedHeaders } from "../describe/declared-headers.ts";
import { jsonBody, jsonContent, type RouteConfig } from "../describe/route.ts";
import { answerCompatibly, compatibleRefusals } from "./compatible-asking.ts";
import { moondreamSecurity } from "./moondream.ts";

/** `POST /v1/point`: where something is, as the middle of a cell. */
export async function createPoint(c: Context<EdgeEnv>): Promise<Response> {
  return await placeAs(c, pointBody);
}

/** `POST /v1/detect`: where something is, as a cell. */
export async function createDetection(c: Context<EdgeEnv>): Promise<Response> {
  return await placeAs(c, detectBody);
}

/** `POST /v1/segment`, and the others of a model that was not trained to say places. */
export function refusePlace(c: Context<EdgeEnv>): Response {
  return refused(c, { kind: "invalid_request", problems: [IN_WORDS_ONLY] });
}

async function placeAs(
  c: Context<EdgeEnv>,
  render: (found: PlaceFound | null, requestId: string) => object,
): Promise<Response> {
  const sent = await readAnyJson(c);
  if (!sent.ok) return refused(c, sent.refusal);
  const { card, readBy } = await cardOf(c, undefined);
  // Whether a model can say places is its card's to say: one that cannot be asked is not believed to.
  const places = card.ok ? card.value.places : undefined;
  if (places === undefined) return refusePlace(c);
  const body = parseMoondreamPlace(sent.value, readBy, places);
  if (!body.ok) return refused(c, body.refusal);
  const { request } = body.value;
  return await answerCompatibly(c, { request, card }, false, {
    placeOf: moondreamPlaces,
    whole: (answer) => render(placeFound(answer, places), c.get("requestId")),
    stream: () => {
      throw new Error("places are not streamed");
    },
  });
}

function placeRoute(
  name: "point" | "detect",
  operationId: string,
  schema: z.ZodType,
  what: string,
): RouteConfig {
  return {
    method: "post",
    path: `/v1/${name}`,
    operationId,
    summary: `Say where something is, as ${what}`,
    description:
      "For models that were trained to say places, as one cell of a grid: `read.places` of GET /v1/models. Any other is refused, and costs nothing: it tells places in words only. Errors are {error: {message, …}}.",
    security: moondreamSecurity,
    request: { headers: ["Idempotency-Key", "Cache-Control"], ...jsonBody(placeSchema) },
    responses: {
      200: {
        description: "One place with its probability, or none.",
        headers: askedHeaders,
        content: jsonContent(schema),
      },
    },
    refusals: compatibleRefusals,
  };
}

/** How the routes of places read in the API's description. */
export const placeRoutes: readonly RouteConfig[] = [
  placeRoute("point", "point", pointSchema, "the middle of a cell"),
  placeRoute("detect", "detect", detectSchema, "a cell"),
  {
    method: "post",
    path: "/v1/segment",
    operationId: "segment",
    summary: "Not possible",
    description: "Moondream's clients are told that outlines cannot be had.",
    security: moondreamSecurity,
    responses: {},
    refusals: compatibleRefusals,
  },
];
