import type { Failure } from "#domain/failure.ts";
import { type Result, refuse } from "#domain/result.ts";
import { FETCH_PATH, type ImageFetch } from "#wire/function/fetch.ts";
import { byteWindows } from "../byte-windows.ts";
import type { CallerContext } from "../caller-context.ts";
import { callFunction } from "../function/client.ts";
import { NO_MODEL, signedRequest } from "../function/signed-request.ts";
import { logFault } from "../log.ts";
import type { QuestionPicture } from "../questions/question-picture.ts";

/** How one picture is fetched. */
export interface PictureFetch {
  /** Its index among the pictures of the question. */
  readonly image: number;
  readonly url: string;
  /** For name look-up, redirects and the last byte together; at least 1. */
  readonly timeoutMs: number;
  /** Aborts when the question has come to nothing for another reason. */
  readonly signal: AbortSignal;
}

/** The function's own word about a time-out is more exact than ours; it has this long to arrive. */
const GRACE_MS = 1_000;

/**
 * Has the function fetch a picture from its address and hands the file over to `read`. Refuses with `image_fetch_*`,
 * `image_file_too_large`, and with what says that no function could be asked. Rejects only when the caller has left.
 */
export async function fetchPicture(
  caller: CallerContext,
  { image, url, timeoutMs, signal }: PictureFetch,
  read: (file: AsyncIterable<Uint8Array>) => Promise<Result<QuestionPicture, Failure>>,
): Promise<Result<QuestionPicture, Failure>> {
  const { settings, requestId, traceparent } = caller;
  const timer = AbortSignal.timeout(timeoutMs + GRACE_MS);
  const call = {
    functionUrl: settings.fetchUrl,
    requestId,
    traceparent,
    signal: AbortSignal.any([caller.signal, signal, timer]),
  };
  try {
    const init = await orderOf(caller, { purpose: "image", url, timeout_ms: timeoutMs });
    const response = await callFunction(call, FETCH_PATH, init);
    if (!response.ok) return refuse(blaming(response.refusal, image));
    return await read(byteWindows(response.value.body));
  } catch (cause) {
    caller.signal.throwIfAborted();
    // Another picture of the request was refused: this one's outcome is not read.
    if (signal.aborted) return refuse({ kind: "internal" });
    if (timer.aborted)
      return refuse({ kind: "image_fetch_timeout", image, seconds: timeoutMs / 1000 });
    logFault("a picture could not be had from the function", requestId, cause);
    return refuse({ kind: "function_reply_invalid" });
  }
}

/** The ticket is signed when the call is made: it is good for a minute, less than a queue of slow pictures may take. */
async function orderOf(
  { settings, key, requestId }: CallerContext,
  order: ImageFetch,
): Promise<RequestInit> {
  const body = new Uint8Array(new TextEncoder().encode(JSON.stringify(order)));
  const { accountId } = key;
  return await signedRequest(body, { jobId: requestId, accountId, model: NO_MODEL }, settings);
}

/** The function knows one picture, the caller several. */
function blaming(failure: Failure, image: number): Failure {
  return "image" in failure ? { ...failure, image } : failure;
}
