import { Hono } from "hono";
import type { AnswerEvent } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import type { Question } from "#domain/question.ts";
import { type Result, refuse } from "#domain/result.ts";
import { type SseMessage, sseStream } from "#wire/codec/sse.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { FETCH_PATH } from "#wire/function/fetch.ts";
import {
  ALTERNATIVES_HEADER,
  DEADLINE_HEADER,
  decodeGenerate,
  FORGET_PATH,
  GENERATE_PATH,
  MAX_FORGET_BYTES,
  MAX_GENERATE_BYTES,
  MODEL_DIGEST_HEADER,
} from "#wire/function/generate.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import {
  type FunctionLoad,
  type FunctionStatus,
  MODEL_CARD_PATH,
  type ModelCard,
  STATUS_PATH,
} from "#wire/function/status.ts";
import {
  FILES_HOP_VERSION,
  HOP_VERSION,
  HOP_VERSION_HEADER,
  type Ticket,
} from "#wire/function/ticket.ts";
import { MAX_ALTERNATIVES } from "#wire/limits.ts";
import type { Admission } from "./admission.ts";
import { untilCut } from "./cut.ts";
import { failureOf } from "./fault.ts";
import { fetchForEdge } from "./fetch/handler.ts";
import type { Fetcher } from "./fetch/routes.ts";
import { servingOf } from "./host-status.ts";
import { errorChain, type Log } from "./log.ts";
import type { GaugeName, Metrics } from "./metrics.ts";
import { createMetricsRoute, createProbes, type MetricsGuard } from "./probes.ts";
import { type RunParts, run } from "./run.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import { tracedLog } from "./trace.ts";
import { readOrder, readTicket, readTicketedBody, type WorkOrderParts } from "./work-order.ts";

/** What the function's routes work with; made in `function.ts`, faked in tests. */
export interface HandlerParts extends WorkOrderParts, RunParts {
  readonly admission: Admission;
  readonly fetcher: Fetcher;
  readonly metrics: Metrics;
  readonly metricsGuard: MetricsGuard;
  /** Whether this process was asked to end, or ends by itself. */
  readonly isDraining: () => boolean;
  readonly telemetry?: Pick<Telemetry, "begin">;
  /** Aborts when what is still in the making is cut off: this process has no time left. */
  readonly cut: AbortSignal;
}

/**
 * Builds the function's HTTP face.
 *
 *   POST /v1/generate   ticket and question in, server-sent answer events out; refusals that need no weights come as problems
 *   POST /v1/forget     ticket in: forgets what is kept in memory of its account's pictures
 *   POST /v1/fetch      ticket and order in, what another host answered out: pictures by address, webhooks
 *   GET  /v1/model      what the model can be asked
 *   GET  /status        how far the weights are, and how much there is to do
 *   GET  /metrics       counts for Prometheus, for whom `createMetricsRoute` says
 *   GET  /ping, /health/live, /health/ready   what hosts of containers ask (`createProbes`)
 *   GET  /health        200 while the process takes work; 503 with a reason once its model can never be served, or what it computes cannot be trusted: replace it
 */
export function createHandler(parts: HandlerParts): Hono {
  const app = new Hono();
  const traced = ({ headers }: Request): HandlerParts => ({
    ...parts,
    log: tracedLog(parts.log, headers),
  });
  app.post(GENERATE_PATH, ({ req: { raw } }) => {
    const span = parts.telemetry?.begin("generate", "server", raw.headers.get("traceparent"));
    return generate(raw, { ...traced(raw), ...(span === undefined ? {} : { span }) });
  });
  app.post(FORGET_PATH, ({ req: { raw } }) => forget(raw, traced(raw)));
  app.post(FETCH_PATH, ({ req: { raw } }) => fetchForEdge(raw, parts));
  app.get(MODEL_CARD_PATH, async (c) =>
    c.json((await parts.host.described(c.req.raw.signal)).card),
  );
  app.get(STATUS_PATH, (c) => {
    const status = parts.host.status();
    if (!status.ok) return refusal(c.req.raw, status.refusal);
    const draining = parts.isDraining();
    return Response.json({ ...status.value, draining, ...loadOf(parts) } satisfies FunctionStatus);
  });
  app.route(
    "/",
    createMetricsRoute(parts.metricsGuard, () => parts.metrics.render(gaugesOf(parts))),
  );
  app.route(
    "/",
    createProbes(() => servingOf(parts.host, parts.isDraining())),
  );
  app.get("/health", () => {
    const health = parts.host.health();
    const init = { status: health.status === "failed" ? 503 : 200 };
    return Response.json({ ...health, ...parts.admission.load() }, init);
  });
  app.notFound((c) => refusal(c.req.raw, { kind: "not_found", path: c.req.path }));
  app.onError((cause, c) => {
    const failure = failureOf(cause);
    const { log } = traced(c.req.raw);
    log("request.failed", { path: c.req.path, code: failure.kind, error: errorChain(cause) });
    return refusal(c.req.raw, failure);
  });
  return app;
}

async function generate(request: Request, parts: HandlerParts): Promise<Response> {
  const deadline = deadlineOf(request);
  const ticket = await readTicket(request, parts);
  if (!ticket.ok) return refusal(request, ticket.refusal);
  if (!parts.host.takesWork()) return refusal(request, { kind: "draining" });

  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, request.signal]);
  const place = parts.admission.enter(signal, ticket.value.accountId);
  if (!place.ok) return refusal(request, place.refusal);
  try {
    const question = await readQuestion(request, ticket.value, parts.log);
    if (!question.ok) {
      place.value.leave();
      return refusal(request, question.refusal);
    }
    const { card } = await parts.host.described(signal);
    const beyond = otherModel(ticket.value, card) ?? beyondLimit(question.value, card);
    if (beyond !== undefined) {
      place.value.leave();
      return refusal(request, beyond);
    }
    const { jobId, accountId: account, owner = null, pictures = null } = ticket.value;
    const { isStored = true } = ticket.value;
    const work = {
      jobId,
      account,
      owner,
      isStored,
      question: question.value,
      pictures,
      digest: card.digest,
      deadline,
      alternatives: alternativesOf(request),
    };
    const running = run(work, place.value, parts, signal);
    // An edge of a hop before the third would take it for the answer's last word; to that one the connection just closes.
    const isTold = ticket.value.version >= FILES_HOP_VERSION;
    const events = isTold ? untilCut(running, parts.cut) : running;
    const body = sseStream(messages(events, jobId), {
      cancel: (reason) => gone.abort(reason),
    });
    const headers = {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      [MODEL_DIGEST_HEADER]: card.digest,
      [HOP_VERSION_HEADER]: String(HOP_VERSION),
    };
    return new Response(body, { headers });
  } catch (cause) {
    place.value.leave();
    throw cause;
  }
}

async function forget(request: Request, parts: HandlerParts): Promise<Response> {
  const ticket = await readTicket(request, parts);
  if (!ticket.ok) return refusal(request, ticket.refusal);
  const body = await readTicketedBody(request, ticket.value, MAX_FORGET_BYTES, parts.log);
  if (!body.ok) return refusal(request, body.refusal);
  parts.host.forget(ticket.value.accountId);
  return new Response(null, { status: 204 });
}

/** The edge has priced another model, which was here until a moment ago or whose address this was: it would be an answer to something else. */
function otherModel({ model }: Ticket, { id }: ModelCard): Failure | undefined {
  return model === id ? undefined : { kind: "unknown_model", model, known: [id] };
}

/** The edge has checked this by its own card; where that is another one than the model's, the model's word is the last. */
function beyondLimit({ options }: Question, card: ModelCard): Failure | undefined {
  const { canvas_limit: limit, id } = card;
  if (options.canvas <= limit) return undefined;
  const message = `is ${options.canvas}; ${id} takes ${limit} positions at most`;
  return { kind: "invalid_request", problems: [{ pointer: "/options/canvas", message }] };
}

function loadOf({ admission, metrics }: HandlerParts): FunctionLoad {
  const { running, waiting } = admission.load();
  const { places } = admission;
  return { running, places, queued: waiting, queued_steps: metrics.queueSteps() };
}

function gaugesOf(parts: HandlerParts): Record<GaugeName, number> {
  const { host, isDraining } = parts;
  const { running, queued, queued_steps } = loadOf(parts);
  const status = host.status();
  return {
    answers_running: running,
    answers_waiting: queued,
    queue_steps: queued_steps,
    ready: servingOf(host, isDraining()).status === "ready" ? 1 : 0,
    weights_loaded_bytes: status.ok ? status.value.loaded_bytes : 0,
    weights_total_bytes: status.ok ? status.value.total_bytes : 0,
    process_resident_memory_bytes: process.memoryUsage.rss(),
  };
}

/**
 * Reads what is asked. The queue bounds how many bodies are in memory at once. Refuses with `ticket_refused` where pictures
 * were priced that are not those of the body.
 */
async function readQuestion(
  request: Request,
  ticket: Ticket,
  log: Log,
): Promise<Result<Question, Failure>> {
  const question =
    ticket.version < FILES_HOP_VERSION
      ? await readEarlierOrder(request, ticket, log)
      : await readOrder(request, ticket, log);
  if (!question.ok) return question;
  const priced = ticket.pictures?.length ?? question.value.images.length;
  if (priced === question.value.images.length) return question;
  log("ticket.refused", { reason: "for other pictures", job: ticket.jobId });
  return refuse({ kind: "ticket_refused", reason: "for other pictures" });
}

/** Reads an order of a hop before the third: JSON with its pictures as base64. It goes when no edge writes it any more. */
async function readEarlierOrder(
  request: Request,
  ticket: Ticket,
  log: Log,
): Promise<Result<Question, Failure>> {
  const body = await readTicketedBody(request, ticket, MAX_GENERATE_BYTES, log);
  return body.ok ? decodeGenerate(body.value) : body;
}

/** Reads how long from now the edge waits; without the header it waits for the end. What is no number comes from no edge of ours. */
function deadlineOf(request: Request): AbortSignal {
  const text = request.headers.get(DEADLINE_HEADER);
  if (text === null || !/^[0-9]{1,9}$/.test(text)) return new AbortController().signal;
  return AbortSignal.timeout(Number(text));
}

/** Reads how many other tokens the frames are to tell; more than there are to ask for comes from no edge of ours. */
function alternativesOf(request: Request): number {
  const text = request.headers.get(ALTERNATIVES_HEADER) ?? "";
  return /^[0-9]$/.test(text) && Number(text) <= MAX_ALTERNATIVES ? Number(text) : 0;
}

async function* messages(
  events: AsyncIterable<AnswerEvent>,
  jobId: string,
): AsyncGenerator<SseMessage, void, undefined> {
  for await (const event of events) yield eventMessage(event, jobId);
}

/** Renders a refusal, with the version of the hop: one that blames the body may only mean that the edge is newer. */
async function refusal(request: Request, failure: Failure): Promise<Response> {
  const requestId = request.headers.get("x-request-id") ?? "none";
  const instance = new URL(request.url).pathname;
  const response = await refusalResponse(failure, { requestId, instance });
  response.headers.set(HOP_VERSION_HEADER, String(HOP_VERSION));
  return response;
}
