import type * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { PROBLEM_CONTENT_TYPE } from "#wire/error.ts";
import { parseRefusal } from "#wire/function/refusal.ts";
import {
  type FunctionProgress,
  type FunctionStatus,
  functionProgressSchema,
  functionStatusSchema,
  MODEL_CARD_PATH,
  modelCardSchema,
  STATUS_PATH,
  type ModelCard as ToldCard,
} from "#wire/function/status.ts";
import { HOP_VERSION, HOP_VERSION_HEADER } from "#wire/function/ticket.ts";
import { logFault } from "../log.ts";

/** Whom to ask, on whose behalf. */
export interface FunctionCall {
  readonly functionUrl: string;
  readonly requestId: string;
  /** W3C `traceparent` to hand on. */
  readonly traceparent?: string | null;
  readonly signal: AbortSignal;
}

/** Threat: a reply that fills the isolate. A card or a refusal has a few KB. */
const MAX_REPLY_BYTES = 256 * 1024;

/** Small questions are answered from memory; a function that takes longer than this counts as gone. */
const SMALL_REPLY_MS = 5_000;

/** Asks what the loaded model can be asked. */
export async function readModelCard(call: FunctionCall): Promise<Result<ToldCard, Failure>> {
  return await readSmall(call, MODEL_CARD_PATH, modelCardSchema);
}

/** Asks how far the weights are. */
export async function readProgress(call: FunctionCall): Promise<Result<FunctionProgress, Failure>> {
  return await readSmall(call, STATUS_PATH, functionProgressSchema);
}

/** Asks how far the weights are, and how much there is to do. `patienceMs`: where its host may be starting it. */
export async function readStatus(
  call: FunctionCall,
  patienceMs: number = SMALL_REPLY_MS,
): Promise<Result<FunctionStatus, Failure>> {
  return await readSmall(call, STATUS_PATH, functionStatusSchema, patienceMs);
}

async function readSmall<Body>(
  call: FunctionCall,
  path: string,
  schema: z.ZodType<Body>,
  patienceMs: number = SMALL_REPLY_MS,
): Promise<Result<Body, Failure>> {
  const patience = AbortSignal.timeout(patienceMs);
  const signal = AbortSignal.any([call.signal, patience]);
  let response: Result<Response, Failure>;
  let sent: unknown;
  try {
    response = await callFunction({ ...call, signal }, path, {});
    if (!response.ok) return response;
    sent = await readJson(response.value);
  } catch (cause) {
    call.signal.throwIfAborted();
    if (!patience.aborted) throw cause;
    return refuse({ kind: "function_unreachable" });
  }
  const body = schema.safeParse(sent);
  if (body.success) return ok(body.data);
  logFault(`function's ${path} has another shape`, call.requestId, body.error);
  return refuse({ kind: "function_reply_invalid" });
}

/**
 * Sends a request to the function. A reply that is no success becomes the refusal that it carries; no reply at all
 * becomes `function_unreachable`. Rejects with the signal's reason when it is aborted.
 */
export async function callFunction(
  { functionUrl, requestId, traceparent, signal }: FunctionCall,
  path: string,
  init: RequestInit,
): Promise<Result<Response, Failure>> {
  const headers = new Headers(init.headers);
  headers.set("x-request-id", requestId);
  if (typeof traceparent === "string") headers.set("traceparent", traceparent);
  let response: Response;
  try {
    // A redirect would take the ticket and the picture to an address that is in no setting.
    response = await fetch(functionUrl + path, { ...init, headers, signal, redirect: "manual" });
  } catch (cause) {
    signal.throwIfAborted();
    logFault(`function at ${functionUrl} cannot be reached`, requestId, cause);
    return refuse({ kind: "function_unreachable" });
  }
  return response.ok ? ok(response) : refuse(await refusalOf(response, requestId));
}

/** Refusals that blame a request which the edge itself wrote: the caller has done nothing wrong. */
const ownFaults: ReadonlySet<Failure["kind"]> = new Set<Failure["kind"]>([
  "ticket_refused",
  "unauthenticated",
  "not_found",
  "method_not_allowed",
  "unsupported_media_type",
  "body_too_large",
]);

/** After how long to ask a place again that has no room now, where it does not say: an answer of a small model takes as long. */
const ROOM_AFTER_SECONDS = 2;

/**
 * What a place says in its own words, not the function's: it has too much to do for now (429 of Cloud Run and others), or no
 * function is there, yet or any more: 400 of RunPod ("no worker"), 408, and all of 5xx. Undefined for what says neither: it stays
 * so until somebody mends an address or a key.
 */
function placeRefusal({ status, headers }: Response, isProblem: boolean): Failure | undefined {
  if (status === 429) {
    const says = headers.get("retry-after") ?? "";
    const seconds = /^[0-9]{1,6}$/.test(says) ? Number(says) : ROOM_AFTER_SECONDS;
    return { kind: "overloaded", retryAfterSeconds: seconds };
  }
  // A broken function of ours may say 500 too, as a problem that cannot be read.
  const isAbsence = [400, 408].includes(status) || status > 500 || (status === 500 && !isProblem);
  return isAbsence ? { kind: "function_unreachable" } : undefined;
}

async function refusalOf(response: Response, requestId: string): Promise<Failure> {
  const isProblem = response.headers.get("content-type") === PROBLEM_CONTENT_TYPE;
  const failure = isProblem ? parseRefusal(await readJson(response)) : undefined;
  const version = hopVersionOf(response);
  // The edge has checked the body before: an older function does not know what stands in it, and the caller did nothing wrong.
  if (failure?.kind === "invalid_request" && version < HOP_VERSION)
    return { kind: "function_outdated", version, needed: HOP_VERSION };
  if (failure !== undefined) return publicFailure(failure, requestId);
  if (!isProblem) await response.body?.cancel();
  logFault("function's reply is no refusal", requestId, `status ${response.status}`);
  return placeRefusal(response, isProblem) ?? { kind: "function_reply_invalid" };
}

/** Says which version of the hop a function speaks. */
export function hopVersionOf({ headers }: Response): number {
  return Number(headers.get(HOP_VERSION_HEADER) ?? 1);
}

/** Says what the caller may be told of a function's refusal; our own faults go to the log and read `internal`. */
export function publicFailure(failure: Failure, requestId: string): Failure {
  if (!ownFaults.has(failure.kind)) return failure;
  logFault("function refused the edge's request", requestId, JSON.stringify(failure));
  return { kind: "internal" };
}

/** Reads a small JSON body; undefined where it is none or larger than `MAX_REPLY_BYTES`. */
export async function readJson(response: Response): Promise<unknown> {
  const utf8 = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_REPLY_BYTES) return undefined;
    text += utf8.decode(chunk, { stream: true });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}
