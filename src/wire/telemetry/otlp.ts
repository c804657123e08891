/** What a span or a line may say: names, counts and times. Never questions, pictures, answers or keys. */
export type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** Something that took time. Times are milliseconds since 1970. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Null for the first of a trace. */
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: "server" | "client" | "internal";
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  /** Whether what it stands for failed. */
  readonly isError: boolean;
}

/** A line of the log. */
export interface LogLine {
  readonly atMs: number;
  readonly severity: "info" | "error";
  /** What happened. */
  readonly body: string;
  readonly attributes: Attributes;
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
}

/** Who tells, with names of OpenTelemetry's conventions: `service.name` above all. */
export type Resource = Readonly<Record<string, string>>;

/** Source: OTLP 1.x, enums of opentelemetry/proto/trace/v1/trace.proto and logs/v1/logs.proto, which JSON writes as numbers. */
const KINDS = { internal: 1, server: 2, client: 3 } as const;
const STATUS_ERROR = 2;
const SEVERITIES = { info: [9, "INFO"], error: [17, "ERROR"] } as const;

const SCOPE = { name: "unmask" } as const;

/** Writes the body of `POST /v1/traces`. Source: OTLP/HTTP, JSON encoding: ids are hex digits, 64-bit numbers text. */
export function tracesBody(resource: Resource, spans: readonly Span[]): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [{ scope: SCOPE, spans: spans.map(spanBody) }],
      },
    ],
  };
}

/** Writes the body of `POST /v1/logs`. */
export function logsBody(resource: Resource, lines: readonly LogLine[]): object {
  return {
    resourceLogs: [
      {
        resource: { attributes: keyValues(resource) },
        scopeLogs: [{ scope: SCOPE, logRecords: lines.map(lineBody) }],
      },
    ],
  };
}

function spanBody(span: Span): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === null ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: nanos(span.startMs),
    endTimeUnixNano: nanos(Math.max(span.startMs, span.endMs)),
    attributes: keyValues(span.attributes),
    ...(span.isError ? { status: { code: STATUS_ERROR } } : {}),
  };
}

function lineBody({ atMs, severity, body, attributes, traceId, spanId }: LogLine): object {
  const [severityNumber, severityText] = SEVERITIES[severity];
  return {
    timeUnixNano: nanos(atMs),
    observedTimeUnixNano: nanos(atMs),
    severityNumber,
    severityText,
    body: { stringValue: body },
    attributes: keyValues(attributes),
    ...(traceId === undefined ? {} : { traceId }),
    ...(spanId === undefined ? {} : { spanId }),
  };
}

function nanos(milliseconds: number): string {
  return String(BigInt(Math.round(milliseconds)) * 1_000_000n);
}

/** Null says nothing, and is left out. */
function keyValues(attributes: Attributes): readonly object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === null ? [] : [{ key, value: anyValue(value) }],
  );
}

function anyValue(value: string | number | boolean): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
