import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { httpPost, MAX_BATCH, MAX_KEPT, TelemetryExporter } from "#wire/telemetry/exporter.ts";
import { type LogLine, logsBody, type Span, tracesBody } from "#wire/telemetry/otlp.ts";
import { telemetrySettings } from "#wire/telemetry/settings.ts";
import {
  childOf,
  newTrace,
  readTraceparent,
  writeTraceparent,
} from "#wire/telemetry/trace-context.ts";
import { logsSchema, startCollector, tracesSchema } from "../support/otlp-collector.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";
const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.test:4318/" };

const span: Span = {
  ...{ traceId, spanId, parentSpanId: null, name: "request", kind: "server" },
  ...{ startMs: Date.UTC(2026, 0, 1), endMs: Date.UTC(2026, 0, 1) + 5, attributes: {} },
  isError: false,
};
const line: LogLine = {
  ...{ atMs: Date.UTC(2026, 0, 1), severity: "info", body: "request", attributes: {}, traceId },
};

function settings(variables: Readonly<Record<string, string>> = {}) {
  const read = telemetrySettings({ ...endpoint, ...variables }, "unmask-edge");
  if (read === undefined) throw new Error("nothing is exported");
  return read;
}

describe("what is written", () => {
  test("is OTLP's JSON: ids in hex, 64-bit numbers as text, and nothing that is null", () => {
    const attributes = { text: "a", whole: 7, part: 0.5, yes: true, none: null };
    const body = tracesBody({ "service.name": "s" }, [{ ...span, attributes, isError: true }]);
    const [told] = tracesSchema.parse(body).resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
    expect(told).toMatchObject({
      ...{ traceId, spanId, kind: 2, status: { code: 2 } },
      startTimeUnixNano: "1767225600000000000",
      attributes: [
        { key: "text", value: { stringValue: "a" } },
        { key: "whole", value: { intValue: "7" } },
        { key: "part", value: { doubleValue: 0.5 } },
        { key: "yes", value: { boolValue: true } },
      ],
    });
  });

  test("is OTLP's JSON whatever attributes say, and whenever a clock was set back", () => {
    const value = fc.oneof(
      fc.string(),
      fc.double({ noNaN: true }),
      fc.boolean(),
      fc.constant(null),
    );
    const key = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(fc.dictionary(key, value), fc.integer({ min: -9e11, max: 9e11 }), (given, ms) => {
        const attributes = Object.fromEntries(
          Object.entries(given).map(([name, one]) => [
            name,
            Number.isFinite(one) ? one : String(one),
          ]),
        );
        const endMs = span.startMs + ms;
        tracesSchema.parse(
          JSON.parse(JSON.stringify(tracesBody({}, [{ ...span, endMs, attributes }]))),
        );
        logsSchema.parse(JSON.parse(JSON.stringify(logsBody({}, [{ ...line, attributes }]))));
      }),
      { seed: 20261128, numRuns: 200 },
    );
  });
});

describe("OpenTelemetry's variables", () => {
  test("lead to addresses below the endpoint, headers, a name and a sampler", () => {
    const read = settings({
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20a%3D1, x-tenant=b",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=production",
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.1",
    });
    expect(read).toEqual({
      tracesUrl: "http://collector.test:4318/v1/traces",
      logsUrl: "http://collector.test:4318/v1/logs",
      headers: { authorization: "Bearer a=1", "x-tenant": "b" },
      timeoutMs: 10_000,
      ratio: 0.1,
      followsParent: true,
      resource: { "deployment.environment": "production", "service.name": "unmask-edge" },
    });
  });

  test("that name no collector, or say that nothing is to be sent, export nothing", () => {
    expect(telemetrySettings({}, "s")).toBeUndefined();
    expect(
      telemetrySettings({ OTEL_SERVICE_NAME: "x", FUNCTION_URL: "http://a" }, "s"),
    ).toBeUndefined();
    expect(telemetrySettings({ ...endpoint, OTEL_SDK_DISABLED: "true" }, "s")).toBeUndefined();
    expect(settings({ OTEL_LOGS_EXPORTER: "none" }).logsUrl).toBeUndefined();
  });

  test.each([
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
    ["OTEL_EXPORTER_OTLP_HEADERS", "a secret without a name"],
    ["OTEL_TRACES_SAMPLER", "sometimes"],
    ["OTEL_TRACES_SAMPLER_ARG", "2"],
  ])("%s=%s is refused by name, and never quoted where it may be secret", (name, value) => {
    expect(() => settings({ [name]: value })).toThrow(name);
    expect(() => settings({ [name]: value })).not.toThrow("a secret");
  });
});

describe("a trace", () => {
  const hex = (bytes: number): string => "ab".repeat(bytes);

  test("goes on under the ids that its caller gave, with a span of its own", () => {
    const given = readTraceparent(`00-${traceId}-${spanId}-01`);
    if (given === undefined) throw new Error("not read");
    const child = childOf(given, hex);
    expect(writeTraceparent(child)).toBe(`00-${traceId}-${hex(8)}-01`);
    expect(readTraceparent(`00-${traceId}-${spanId}-00`)?.isSampled).toBe(false);
    for (const wrong of [
      null,
      "",
      `00-${"0".repeat(32)}-${spanId}-01`,
      `ff-${traceId}-${spanId}-01`,
    ])
      expect(readTraceparent(wrong)).toBeUndefined();
  });

  test("that begins here is kept by its id: all of them at 1, none at 0, and its share between", () => {
    const drawn = (tail: string) => (bytes: number) =>
      bytes === 16 ? `${"a".repeat(18)}${tail}` : hex(bytes);
    expect(newTrace(1, drawn("f".repeat(14))).isSampled).toBe(true);
    expect(newTrace(0, drawn("0".repeat(14))).isSampled).toBe(false);
    expect(newTrace(0.5, drawn("7".repeat(14))).isSampled).toBe(true);
    expect(newTrace(0.5, drawn("8".repeat(14))).isSampled).toBe(false);
  });
});

describe("the exporter", () => {
  test("sends what it was told in batches, with the headers of the settings", async () => {
    await using collector = await startCollector();
    const read = settings({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=k",
    });
    const exporter = new TelemetryExporter(read, httpPost(read, fetch));
    for (let index = 0; index < MAX_BATCH + 1; index += 1) exporter.span(span);
    exporter.line(line);
    await exporter.flush();
    expect([collector.spans.length, collector.lines.length]).toEqual([MAX_BATCH + 1, 1]);
    expect(collector.raw).toHaveLength(3);
    expect(collector.headers()).toMatchObject({ "x-key": "k", "content-type": "application/json" });
    expect([collector.faults, exporter.takeDropped()]).toEqual([[], 0]);
  });

  test.each([503, 429])(
    "keeps what a collector that replies %i did not take, once, for the next time",
    async (status) => {
      let now = status;
      await using collector = await startCollector(() => now);
      const read = settings({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
      const exporter = new TelemetryExporter(read, httpPost(read, fetch));
      exporter.span(span);
      await exporter.flush();
      now = 200;
      await exporter.flush();
      await exporter.flush();
      expect([collector.spans.length, exporter.takeDropped()]).toEqual([1, 0]);
    },
  );

  test("drops and counts what a collector refuses for good, and what is beyond its room", async () => {
    const outcomes = ["refused", "again"] as const;
    for (const [index, outcome] of outcomes.entries()) {
      const exporter = new TelemetryExporter(settings(), async () => outcome);
      for (let told = 0; told < MAX_KEPT + 5; told += 1) exporter.span(span);
      await exporter.flush();
      expect(exporter.takeDropped()).toBe(index === 0 ? MAX_KEPT + 5 : 5);
    }
  });

  test("never rejects where nobody listens", async () => {
    const read = settings({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" });
    const exporter = new TelemetryExporter(read, httpPost(read, fetch));
    exporter.line(line);
    await exporter.flush();
    expect(exporter.takeDropped()).toBe(0);
  });

  test("cuts an attribute that is longer than any that we write on purpose", async () => {
    let sent = "";
    const exporter = new TelemetryExporter(settings(), async (_, body) => {
      sent = body;
      return "taken";
    });
    exporter.line({ ...line, attributes: { cause: "x".repeat(100_000) } });
    await exporter.flush();
    expect(sent.length).toBeLessThan(6_000);
  });
});
