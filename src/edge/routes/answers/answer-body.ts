import type { Context } from "hono";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import {
  type AnswerRequest,
  parseAnswerForm,
  parseAnswerJson,
} from "#wire/api/answers/requests.ts";
import { textOf } from "#wire/body/form-part.ts";
import type { JsonBody } from "#wire/body/json-body.ts";
import type { EdgeEnv } from "../../env.ts";
import { type AskedCard, cardOf, namedModel, parsedOnce } from "../asked-card.ts";
import { mediaTypeOf, readForm, readJson } from "../body.ts";

/** A request, and of the model that it asks the card, or why it cannot be asked. */
export interface ReadRequest {
  readonly request: AnswerRequest;
  readonly card: AskedCard["card"];
}

/** Reads the body of an answer request, a form or JSON. Refuses as the parsers do, or with `unsupported_media_type`. */
export async function readAnswerRequest(
  c: Context<EdgeEnv>,
): Promise<Result<ReadRequest, Failure>> {
  const mediaType = mediaTypeOf(c);
  if (mediaType === "application/json") {
    const body = await readJson(c);
    return body.ok ? await readAnswerJson(c, body.value) : body;
  }
  if (mediaType !== "multipart/form-data")
    return refuse({ kind: "unsupported_media_type", contentType: mediaType.slice(0, 100) });
  const form = await readForm(c);
  if (!form.ok) return form;
  const named = form.value.find(({ name, isFile }) => name === "model" && !isFile);
  const { card, readBy } = await cardOf(c, named === undefined ? undefined : textOf(named));
  const request = parseAnswerForm(form.value, readBy);
  return request.ok ? ok({ request: request.value, card }) : request;
}

/** Reads the JSON body of an answer request. */
export async function readAnswerJson(
  c: Context<EdgeEnv>,
  sent: JsonBody,
): Promise<Result<ReadRequest, Failure>> {
  const body = parsedOnce(sent);
  const { card, readBy } = await cardOf(c, namedModel(body));
  const request = parseAnswerJson(body, readBy);
  return request.ok ? ok({ request: request.value, card }) : request;
}
