import type { Context } from "hono";
import type { Failure } from "#domain/failure.ts";
import { type Result, refuse } from "#domain/result.ts";
import {
  type AnswerRequest,
  parseAnswerForm,
  parseAnswerJson,
} from "#wire/api/answers/requests.ts";
import type { EdgeEnv } from "../../env.ts";
import { settingsOf } from "../../settings.ts";
import { mediaTypeOf, readForm, readJson } from "../body.ts";

/** Reads the body of an answer request, a form or JSON. Refuses as the parsers do, or with `unsupported_media_type`. */
export async function readAnswerRequest(
  c: Context<EdgeEnv>,
): Promise<Result<AnswerRequest, Failure>> {
  const mediaType = mediaTypeOf(c);
  const { card } = settingsOf(c.env);
  if (mediaType === "application/json")
    return parsed(await readJson(c), (body) => parseAnswerJson(body, card));
  if (mediaType !== "multipart/form-data")
    return refuse({ kind: "unsupported_media_type", contentType: mediaType.slice(0, 100) });
  return parsed(await readForm(c), (form) => parseAnswerForm(form, card));
}

function parsed<Body>(
  body: Result<Body, Failure>,
  parse: (body: Body) => Result<AnswerRequest, Failure>,
): Result<AnswerRequest, Failure> {
  return body.ok ? parse(body.value) : body;
}
