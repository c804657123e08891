import type { ChargeEvent } from "#wire/function/usage-event.ts";
import type { Attributes } from "#wire/telemetry/otlp.ts";
import type { TraceContext } from "#wire/telemetry/trace-context.ts";
import { edgeTelemetry } from "./telemetry/telemetry.ts";

/** Writes one line for the log: what was asked for, and what became of it. The pattern of the route, not the path: paths of other people's mistakes hold what belongs in no log. */
export function logRequest(line: Attributes, trace: TraceContext): void {
  write("info", "request", { event: "request", ...line, trace_id: trace.traceId }, line, trace);
}

/** Writes one line for the log: what an answer or a batch was charged. Its id is in the line of the request that asked, too. */
export function logCharge({ id, account, key, model, micros, steps }: ChargeEvent): void {
  const line = { answer: id, account, key, model, steps, charged_micros: micros };
  write("info", "charge", { event: "charge", ...line }, line);
}

/**
 * Writes one line for the log: what broke, of which request, and why. Structured, so that the dashboard can filter it.
 * Nothing of the caller's question or key goes in here.
 */
export function logFault(what: string, requestId: string, cause: unknown): void {
  const line = { request_id: requestId, cause: chain(cause) };
  write("error", what, { fault: what, ...line }, line);
}

/** To the console, which is the platform's log; and to the collector, where there is one. */
function write(
  severity: "info" | "error",
  body: string,
  printed: Attributes,
  attributes: Attributes,
  trace?: TraceContext,
): void {
  const text = JSON.stringify(printed);
  if (severity === "error") console.error(text);
  else console.log(text);
  const { traceId, spanId } = trace ?? {};
  edgeTelemetry()?.line({ atMs: Date.now(), severity, body, attributes, traceId, spanId });
}

function chain(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause === "string" ? cause : JSON.stringify(cause);
  const own = cause.stack ?? `${cause.name}: ${cause.message}`;
  return cause.cause === undefined ? own : `${own}\ncaused by ${chain(cause.cause)}`;
}
