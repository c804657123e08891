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
import { mediaTypeOf } from "../body.ts";

/** Reads the body of an answer request, a form or JSON. Refuses as the parsers do, or with `unsupported_media_type`. */
export async function readAnswerRequest(
  c: Context<EdgeEnv>,
): Promise<Result<AnswerRequest, Failure>> {
  const mediaType = mediaTypeOf(c);
  const { card } = settingsOf(c.env);
  if (mediaType === "application/json")
    return parseAnswerJson(new Uint8Array(await c.req.arrayBuffer()), card);
  if (mediaType !== "multipart/form-data")
    return refuse({ kind: "unsupported_media_type", contentType: mediaType.slice(0, 100) });
  let form: FormData;
  try {
    form = await c.req.raw.formData();
  } catch (cause) {
    // The runtime's word for a form that breaks its own boundaries; a lost connection is another error.
    if (!(cause instanceof TypeError)) throw cause;
    const problem = { pointer: "", message: "is not a well-formed multipart/form-data body" };
    return refuse({ kind: "invalid_request", problems: [problem] });
  }
  return await parseAnswerForm(form, card);
}
