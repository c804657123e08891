import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import * as z from "zod";

const traceId = z.string().regex(/^(?!0{32})[0-9a-f]{32}$/);
const spanId = z.string().regex(/^(?!0{16})[0-9a-f]{16}$/);
const nanos = z.string().regex(/^[1-9][0-9]{17,19}$/);
const anyValue = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?[0-9]+$/) }),
  z.strictObject({ doubleValue: z.number() }),
]);
const attributes = z.array(z.strictObject({ key: z.string().min(1), value: anyValue }));
const resource = z.strictObject({ attributes });
const scope = z.strictObject({ name: z.string() });

const spanSchema = z.strictObject({
  traceId,
  spanId,
  parentSpanId: spanId.optional(),
  name: z.string().min(1),
  kind: z.int().min(1).max(5),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
  status: z.strictObject({ code: z.literal(2) }).optional(),
});

const lineSchema = z.strictObject({
  timeUnixNano: nanos,
  observedTimeUnixNano: nanos,
  severityNumber: z.int().min(1).max(24),
  severityText: z.string(),
  body: anyValue,
  attributes,
  traceId: traceId.optional(),
  spanId: spanId.optional(),
});

/** Of OTLP's JSON what ours may say, strictly. Source: opentelemetry-proto 1.x: trace.proto, logs.proto, common.proto; OTLP/HTTP, JSON encoding. */
export const tracesSchema = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource,
      scopeSpans: z.array(z.strictObject({ scope, spans: z.array(spanSchema) })),
    }),
  ),
});
export const logsSchema = z.strictObject({
  resourceLogs: z.array(
    z.strictObject({
      resource,
      scopeLogs: z.array(z.strictObject({ scope, logRecords: z.array(lineSchema) })),
    }),
  ),
});

/** A span as the collector has it, and which service told it. */
export interface CollectedSpan extends z.output<typeof spanSchema> {
  readonly service: string;
}
export interface CollectedLine extends z.output<typeof lineSchema> {
  readonly service: string;
}

/** A collector on loopback that keeps what it is sent, and refuses what is no OTLP. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  readonly lines: readonly CollectedLine[];
  /** Everything, as it was sent. */
  readonly raw: readonly string[];
  /** What was wrong with what was refused. */
  readonly faults: readonly string[];
  /** Headers of the last request. */
  readonly headers: () => Readonly<Record<string, string | string[] | undefined>>;
}

export async function startCollector(status: () => number = () => 200): Promise<Collector> {
  const [spans, lines]: [CollectedSpan[], CollectedLine[]] = [[], []];
  const [raw, faults]: [string[], string[]] = [[], []];
  let headers: Readonly<Record<string, string | string[] | undefined>> = {};
  const server = createServer(async (request, response) => {
    const body = await text(request);
    headers = request.headers;
    response.statusCode = status();
    try {
      if (response.statusCode === 200) {
        raw.push(body);
        if (request.url === "/v1/traces")
          spans.push(...spansIn(tracesSchema.parse(JSON.parse(body))));
        else if (request.url === "/v1/logs")
          lines.push(...linesIn(logsSchema.parse(JSON.parse(body))));
        else throw new Error(`nothing is collected at ${request.url}`);
      }
    } catch (cause) {
      faults.push(String(cause));
      response.statusCode = 400;
    }
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}`, spans, lines, raw, faults },
    headers: () => headers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function spansIn({ resourceSpans }: z.output<typeof tracesSchema>): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource: told, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, service: serviceOf(told) }))),
  );
}

function linesIn({ resourceLogs }: z.output<typeof logsSchema>): CollectedLine[] {
  return resourceLogs.flatMap(({ resource: told, scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) =>
      logRecords.map((line) => ({ ...line, service: serviceOf(told) })),
    ),
  );
}

function serviceOf(told: z.output<typeof resource>): string {
  return attributeOf(told.attributes, "service.name") ?? "";
}

/** The text of an attribute; undefined where there is none. */
export function attributeOf(all: z.output<typeof attributes>, key: string): string | undefined {
  const value = all.find((one) => one.key === key)?.value;
  return value !== undefined && "stringValue" in value ? value.stringValue : undefined;
}
