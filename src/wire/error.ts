import * as z from "zod";
import type { Failure, FieldProblem } from "#domain/failure.ts";
import { errorCodes } from "./error-codes.ts";
import { detailOf } from "./error-detail.ts";

/** What a caller is told about a refusal. Source: RFC 9457, with members of our own after `instance`. */
export interface Problem {
  /** The page that says what happened and what to do, relative to the request's address. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Path of the request that was refused. */
  readonly instance: string;
  /** What programs switch on; never changes its meaning. */
  readonly code: string;
  readonly request_id: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** Micro-dollars. A refusal costs nothing. */
  readonly charged_micros: 0;
  readonly errors: readonly FieldProblem[];
  /** Seconds to wait before trying again, where that is known: what the reply's Retry-After says. */
  readonly retry_after?: number;
}

/** Which request was refused. */
export interface RefusedRequest {
  readonly requestId: string;
  /** Path without the query. */
  readonly instance: string;
}

export const PROBLEM_CONTENT_TYPE = "application/problem+json";

/** Renders a refusal for the caller. */
export function problemOf(failure: Failure, { requestId, instance }: RefusedRequest): Problem {
  const { status, title, isRetryable } = errorCodes[failure.kind];
  const seconds = retryAfterOf(failure);
  return {
    type: `/docs/errors/${failure.kind}`,
    title,
    status,
    detail: detailOf(failure),
    instance,
    code: failure.kind,
    request_id: requestId,
    retryable: isRetryable,
    charged_micros: 0,
    errors: faultsOf(failure),
    ...(seconds === undefined ? {} : { retry_after: seconds }),
  };
}

/** The fields that are at fault. */
function faultsOf(failure: Failure): readonly FieldProblem[] {
  if ("problems" in failure) return failure.problems;
  return "pointer" in failure ? [{ pointer: failure.pointer, message: detailOf(failure) }] : [];
}

/** Renders a refusal as a whole reply, with the headers that its status demands. */
export function problemResponse(failure: Failure, request: RefusedRequest): Response {
  return problemReply(problemOf(failure, request), problemHeaders(failure));
}

/** Renders a problem that was written down before as a whole reply. */
export function problemReply(problem: Problem, headers: Record<string, string> = {}): Response {
  const { status, retry_after } = problem;
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      "content-type": PROBLEM_CONTENT_TYPE,
      ...(retry_after === undefined ? {} : { "retry-after": String(retry_after) }),
      ...headers,
    },
  });
}

/** Headers beside the content type and Retry-After: what would be allowed, how to authenticate, where the thing is. */
function problemHeaders(failure: Failure): Record<string, string> {
  switch (failure.kind) {
    case "unauthenticated":
    case "session_ended":
    case "payment_signature_invalid":
      return { "www-authenticate": 'Bearer realm="unmask"' };
    case "upload_token_used":
      return { location: `/v1/images/${failure.id}` };
    case "method_not_allowed":
      return { allow: failure.allowed.join(", ") };
    default:
      return {};
  }
}

/** Who may try again when. */
function retryAfterOf(failure: Failure): number | undefined {
  switch (failure.kind) {
    case "weights_loading":
      return retryAfter(failure.etaSeconds);
    case "overloaded":
    case "too_many_attempts":
      return retryAfter(failure.retryAfterSeconds);
    case "rate_limited":
      return retryAfter(failure.resetSeconds);
    case "too_many_concurrent":
    case "idempotency_in_progress":
    case "device_out_of_memory":
      return retryAfter(SHORT_ANSWER_SECONDS);
    case "draining":
    case "device_lost":
    case "function_unreachable":
    case "function_outdated":
      return retryAfter(RESTART_SECONDS);
    default:
      return undefined;
  }
}

/** A function that goes away is replaced within seconds; its weights then load, and say so themselves. */
const RESTART_SECONDS = 5;

/** A place becomes free, or the first of two equal requests is answered, when an answer ends. */
const SHORT_ANSWER_SECONDS = 2;

/** At least a second, so that nobody spins; at most an hour, which is what a client would wait at all. */
function retryAfter(seconds: number): number {
  return Math.min(3600, Math.max(1, Math.ceil(seconds)));
}

/** Schema of a problem, for the API's description. */
export const problemSchema: z.ZodType<Problem> = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    request_id: z.string(),
    retryable: z.boolean(),
    charged_micros: z.literal(0),
    errors: z.array(z.object({ pointer: z.string(), message: z.string() })),
    retry_after: z.int().exactOptional(),
  })
  .meta({ id: "Problem", description: "A refusal (RFC 9457). It costs nothing." });
