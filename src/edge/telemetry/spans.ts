import type { Attributes, Span } from "#wire/telemetry/otlp.ts";
import {
  HANDED_ON,
  readTraceparent,
  spanContext,
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
  const context = spanContext(given, telemetry?.settings ?? HANDED_ON, randomHex);
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

function randomHex(bytes: number): string {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}
