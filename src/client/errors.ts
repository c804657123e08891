import type { Failure } from "#domain/failure.ts";
import type { Problem } from "#wire/error.ts";

/** Everything that can go wrong with a question, apart from the caller's own abort. */
export class UnmaskError extends Error {
  override readonly name: string = "UnmaskError";
}

/** Why the service refuses, by name; newer services have more of them. */
export type RefusalCode = Failure["kind"] | (string & {});

/** The service refused, and said why. `problem.code` is what to switch on; `message` is for people. */
export class RefusedError extends UnmaskError {
  override readonly name = "RefusedError";
  readonly problem: Problem;
  /** Seconds after which the same question may be asked again, where the service said so. */
  readonly retryAfterSeconds: number | undefined;

  constructor(problem: Problem, retryAfterSeconds?: number) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** What to switch on: one of the codes of the API's description, or a newer one. */
  get code(): RefusalCode {
    return this.problem.code;
  }

  /** HTTP status. */
  get status(): number {
    return this.problem.status;
  }

  /** By which the service finds the request in its log. */
  get requestId(): string {
    return this.problem.request_id;
  }
}

/** The service could not be reached, or the connection broke before the answer was complete. Worth trying again, unless it lasts. */
export class ConnectionError extends UnmaskError {
  override readonly name = "ConnectionError";
  /** The address is wrong, or who answers there is not who it should be: trying again will not help. */
  readonly isLasting: boolean;

  constructor(message: string, options: ErrorOptions & { isLasting?: boolean } = {}) {
    super(message, options);
    this.isLasting = options.isLasting ?? false;
  }
}

/** What came back is not this API: a wrong address, or a proxy's page. */
export class ReplyError extends UnmaskError {
  override readonly name = "ReplyError";
  /** HTTP status of the reply; undefined where the stream of events within it is at fault. */
  readonly status: number | undefined;

  constructor(message: string, { status, ...options }: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.status = status;
  }
}

/** Reads a problem body; undefined where it is none. */
export function parseProblem(body: unknown): Problem | undefined {
  return isProblem(body) ? body : undefined;
}

function isProblem(body: unknown): body is Problem {
  if (typeof body !== "object" || body === null) return false;
  const fields: Partial<Record<keyof Problem, unknown>> = body;
  return (
    typeof fields.code === "string" &&
    typeof fields.detail === "string" &&
    typeof fields.status === "number" &&
    typeof fields.request_id === "string" &&
    typeof fields.retryable === "boolean" &&
    Array.isArray(fields.errors)
  );
}
