import type { Attributes, Span } from "#wire/telemetry/otlp.ts";
import {
  childOf,
  newTrace,
  readTraceparent,
  type TraceContext,
  writeTraceparent,
} from "#wire/telemetry/trace-context.ts";
import { edgeTelemetry } from "./telemetry.ts";

/** A span that has begun. */
export interface OpenSpan {
  /** To hand on to who works for it. */
  readonly traceparent: string;
  readonly context: TraceContext;
  /** Ends it, once; what is told later changes nothing. */
  end(attributes: Attributes, isError: boolean): void;
}

/** Begins a span: in the trace of `parent`, or the first of a new one where there is none. */
export function beginSpan(name: string, kind: Span["kind"], parent: string | null): OpenSpan {
  const telemetry = edgeTelemetry();
  const given = readTraceparent(parent);
  const context = contextOf(given, telemetry?.settings);
  const startMs = Date.now();
  let hasEnded = false;
  return {
    traceparent: writeTraceparent(context),
    context,
    end: (attributes, isError) => {
      if (telemetry === null || !context.isSampled || hasEnded) return;
      hasEnded = true;
      const { traceId, spanId } = context;
      const parentSpanId = given?.spanId ?? null;
      const endMs = Date.now();
      telemetry.span({
        traceId,
        spanId,
        parentSpanId,
        name,
        kind,
        startMs,
        endMs,
        attributes,
        isError,
      });
    },
  };
}

/** Where nothing is exported, whoever reads the log of the functions may still want the trace. */
function contextOf(
  given: TraceContext | undefined,
  settings: { readonly ratio: number; readonly followsParent: boolean } | undefined,
): TraceContext {
  const ratio = settings?.ratio ?? 1;
  if (given === undefined) return newTrace(ratio, randomHex);
  const child = childOf(given, randomHex);
  return settings === undefined || settings.followsParent
    ? child
    : { ...child, isSampled: newTrace(ratio, () => given.traceId).isSampled };
}

function randomHex(bytes: number): string {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}
