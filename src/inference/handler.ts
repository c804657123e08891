import { Hono } from "hono";
import type { AnswerEvent } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import type { Question } from "#domain/question.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { answer } from "#model/answer.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { eventMessage } from "#wire/events.ts";
import {
  decodeGenerate,
  GENERATE_PATH,
  MAX_GENERATE_BYTES,
  MODEL_DIGEST_HEADER,
} from "#wire/generate.ts";
import { refusalResponse } from "#wire/refusal.ts";
import { type SseMessage, sseStream } from "#wire/sse.ts";
import { MODEL_CARD_PATH, STATUS_PATH } from "#wire/status.ts";
import { isTicketFor, openTicket, type Ticket, type TicketVerificationKey } from "#wire/ticket.ts";
import type { Admission, Place } from "./admission.ts";
import { decodeImages } from "./image-codec.ts";
import { errorChain, type Log } from "./log.ts";
import type { ModelHost } from "./model-host.ts";
import type { TicketLog } from "./ticket-log.ts";

/** What the function's routes work with; made in `function.ts`, faked in tests. */
export interface HandlerParts {
  readonly host: ModelHost;
  readonly admission: Admission;
  readonly ticketKeys: readonly TicketVerificationKey[];
  readonly tickets: TicketLog;
  readonly now: () => number;
  readonly log: Log;
}

/**
 * Builds the function's HTTP face.
 *
 *   POST /v1/generate   ticket and question in, server-sent answer events out; refusals that need no weights come as problems
 *   GET  /v1/model      what the model can be asked
 *   GET  /status        how far the weights are
 *   GET  /health        200 while the process takes work, 503 once its model can never be served: replace it
 */
export function createHandler(parts: HandlerParts): Hono {
  const app = new Hono();
  app.post(GENERATE_PATH, (c) => generate(c.req.raw, parts));
  app.get(MODEL_CARD_PATH, async (c) =>
    c.json((await parts.host.described(c.req.raw.signal)).card),
  );
  app.get(STATUS_PATH, (c) => {
    const status = parts.host.status();
    return status.ok ? Response.json(status.value) : refusal(c.req.raw, status.refusal);
  });
  app.get("/health", () => {
    const status = healthOf(parts.host);
    const init = { status: status === "failed" ? 503 : 200 };
    return Response.json({ status, ...parts.admission.load() }, init);
  });
  app.notFound((c) => refusal(c.req.raw, { kind: "not_found", path: c.req.path }));
  app.onError((cause, c) => {
    const failure = failureOf(cause);
    parts.log("request.failed", { path: c.req.path, code: failure.kind, error: errorChain(cause) });
    return refusal(c.req.raw, failure);
  });
  return app;
}

async function generate(request: Request, parts: HandlerParts): Promise<Response> {
  const ticket = await readTicket(request, parts);
  if (!ticket.ok) return refusal(request, ticket.refusal);

  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, request.signal]);
  const place = parts.admission.enter(signal);
  if (!place.ok) return refusal(request, place.refusal);
  try {
    const question = await readQuestion(request, ticket.value, parts.log);
    if (!question.ok) {
      place.value.leave();
      return refusal(request, question.refusal);
    }
    const { card } = await parts.host.described(signal);
    const events = run(question.value, place.value, ticket.value, parts, signal);
    const body = sseStream(messages(events, ticket.value.jobId), {
      cancel: (reason) => gone.abort(reason),
    });
    const headers = {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      [MODEL_DIGEST_HEADER]: card.digest,
    };
    return new Response(body, { headers });
  } catch (cause) {
    place.value.leave();
    throw cause;
  }
}

/** Weights that are on their way are no reason to replace a process; weights that will never come are the best one. */
function healthOf(host: ModelHost): "ok" | "failed" {
  const status = host.status();
  const isFailed = status.ok
    ? status.value.state === "failed"
    : status.refusal.kind === "weights_failed";
  return isFailed ? "failed" : "ok";
}

/** Checks the work order before a byte of the body is read: strangers get neither memory nor a place. */
async function readTicket(request: Request, parts: HandlerParts): Promise<Result<Ticket, Failure>> {
  const [scheme, jwt] = (request.headers.get("authorization") ?? "").split(" ");
  if (scheme !== "Bearer" || jwt === undefined) {
    return refuse({ kind: "ticket_refused", reason: "there is none" });
  }
  const ticket = await openTicket(jwt, parts.ticketKeys, parts.now());
  if (!ticket.ok) {
    parts.log("ticket.refused", { reason: ticket.refusal.reason });
    return ticket;
  }
  if (!parts.tickets.admit(ticket.value.ticketId)) {
    parts.log("ticket.refused", { reason: "used before", job: ticket.value.jobId });
    return refuse({ kind: "ticket_refused", reason: "used before" });
  }
  return ticket;
}

/** Reads what is asked. The queue bounds how many bodies are in memory at once. */
async function readQuestion(
  request: Request,
  ticket: Ticket,
  log: Log,
): Promise<Result<Question, Failure>> {
  const body = await readBody(request, MAX_GENERATE_BYTES);
  if (!body.ok) return body;
  if (!(await isTicketFor(ticket, body.value))) {
    log("ticket.refused", { reason: "for another body", job: ticket.jobId });
    return refuse({ kind: "ticket_refused", reason: "for another body" });
  }
  return decodeGenerate(body.value);
}

/** Reads a body of at most `limitBytes`, whatever its Content-Length claims. */
async function readBody(
  request: Request,
  limitBytes: number,
): Promise<Result<Uint8Array<ArrayBuffer>, Failure>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) return refuse({ kind: "body_too_large", limitBytes });
    chunks.push(chunk);
  }
  return ok(new Uint8Array(Buffer.concat(chunks)));
}

/** Waits for its turn, answers, and leaves its place however the answer ends. */
async function* run(
  question: Question,
  place: Place,
  ticket: Ticket,
  parts: HandlerParts,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  const { waitedMs } = await place.turn;
  const startedMs = parts.now();
  let outcome = "abandoned";
  try {
    for await (const event of answerSafely(question, parts, signal)) {
      if (event.kind === "answer.failed") outcome = event.failure.kind;
      if (event.kind === "answer.completed") outcome = "completed";
      yield event;
    }
  } finally {
    place.leave();
    parts.log("answer.ended", {
      job: ticket.jobId,
      outcome,
      waitedMs: Math.round(waitedMs),
      ranMs: Math.round(parts.now() - startedMs),
    });
  }
}

/** Answers; a fault on our side becomes the event that says so, since the reply's status has long been sent. */
async function* answerSafely(
  question: Question,
  parts: HandlerParts,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  try {
    const pictures = await decodeImages(question.images);
    if (!pictures.ok) {
      yield { kind: "answer.failed", failure: pictures.refusal };
      return;
    }
    const { tools } = await parts.host.described(signal);
    const { messages, options } = question;
    yield* answer({ messages, options, pictures: pictures.value }, tools, signal);
  } catch (cause) {
    if (signal.aborted) return; // the caller has left: there is nobody to tell
    const failure = failureOf(cause);
    parts.log("answer.fault", { code: failure.kind, error: errorChain(cause) });
    yield { kind: "answer.failed", failure };
  }
}

async function* messages(
  events: AsyncIterable<AnswerEvent>,
  jobId: string,
): AsyncGenerator<SseMessage, void, undefined> {
  for await (const event of events) yield eventMessage(event, jobId);
}

/** A loader's fault is named to the edge, which may send the work elsewhere; everything else stays in our log. */
function failureOf(cause: unknown): Failure {
  return cause instanceof WeightsError
    ? { kind: "weights_failed", code: cause.code }
    : { kind: "internal" };
}

function refusal(request: Request, failure: Failure): Promise<Response> {
  const requestId = request.headers.get("x-request-id") ?? "none";
  return refusalResponse(failure, { requestId, instance: new URL(request.url).pathname });
}
