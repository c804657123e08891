import type { Context } from "hono";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result } from "#domain/result.ts";
import {
  type AnswerRequest,
  parseAnswerForm,
  parseAnswerJson,
} from "#wire/api/answers/requests.ts";
import { textOf } from "#wire/body/form-part.ts";
import type { JsonBody } from "#wire/body/json-body.ts";
import type { EdgeEnv } from "../../env.ts";
import { type AskedCard, cardOf, namedModel, parsedOnce } from "../asked-card.ts";
import { readJsonOrForm } from "../body.ts";

/** A request, and of the model that it asks the card, or why it cannot be asked. */
export interface ReadRequest {
  readonly request: AnswerRequest;
  readonly card: AskedCard["card"];
}

/** Reads the body of an answer request, a form or JSON. Refuses as the parsers do, or with `unsupported_media_type`. */
export async function readAnswerRequest(
  c: Context<EdgeEnv>,
): Promise<Result<ReadRequest, Failure>> {
  const sent = await readJsonOrForm(c);
  if (!sent.ok) return sent;
  if (sent.value.kind === "json") return await readAnswerJson(c, sent.value.body);
  const { parts } = sent.value;
  const named = parts.find(({ name, isFile }) => name === "model" && !isFile);
  const { card, readBy } = await cardOf(c, named === undefined ? undefined : textOf(named));
  const request = parseAnswerForm(parts, readBy);
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
