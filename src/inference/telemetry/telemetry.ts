import { randomBytes } from "node:crypto";
import { httpPost, TelemetryExporter } from "#wire/telemetry/exporter.ts";
import type { Attributes, Span } from "#wire/telemetry/otlp.ts";
import { type TelemetrySettings, telemetrySettings } from "#wire/telemetry/settings.ts";
import {
  HANDED_ON,
  readTraceparent,
  spanContext,
  writeTraceparent,
} from "#wire/telemetry/trace-context.ts";
import type { Log } from "../log.ts";

/** A span that is written when it is over. */
export interface OpenSpan {
  readonly traceparent: string;
  /** Writes it, and within it what is named; times in milliseconds since 1970. */
  end(
    attributes: Attributes,
    isError: boolean,
    within?: readonly { readonly name: string; readonly startMs: number; readonly endMs: number }[],
  ): void;
}

/** Sends this process' spans and lines of log to a collector. */
export interface Telemetry {
  /** Begins a span: in the trace of `parent`, or the first of a new one. */
  begin(name: string, kind: Span["kind"], parent: string | null): OpenSpan;
  /** Makes a log that is also sent. */
  sent(log: Log): Log;
  /** Sends what is left, as far as that is quick. */
  close(): Promise<void>;
}

/** Between two sendings. */
const SEND_EVERY_MS = 1_000;

/** What is left may hold up the end of the process for so long. */
const CLOSE_WITHIN_MS = 2_000;

const randomHex = (bytes: number): string => randomBytes(bytes).toString("hex");

/** Opens what the variables ask for; what asks for nothing sends nothing. Throws an Error that names every variable that is wrong. */
export function openTelemetry(
  variables: Readonly<Record<string, string | undefined>>,
  service: string,
  now: () => number,
): Telemetry {
  const settings = telemetrySettings(variables, service);
  return settings === undefined ? silent : openWith(settings, now);
}

/** Hands a trace on, and sends nothing. */
const silent: Telemetry = {
  begin: (_, __, parent) => {
    const context = spanContext(readTraceparent(parent), HANDED_ON, randomHex);
    return { traceparent: writeTraceparent(context), end: () => undefined };
  },
  sent: (log) => log,
  close: async () => undefined,
};

function openWith(settings: TelemetrySettings, now: () => number): Telemetry {
  const exporter = new TelemetryExporter(settings, httpPost(settings, fetch));
  let sending: Promise<void> | undefined;
  const send = (): Promise<void> => {
    sending ??= exporter.flush().finally(() => {
      sending = undefined;
    });
    return sending;
  };
  const timer = setInterval(() => void send(), SEND_EVERY_MS);
  timer.unref();
  return {
    begin: (name, kind, parent) => openSpan(exporter, settings, now, { name, kind, parent }),
    sent: (log) => (event, fields) => {
      log(event, fields);
      const { trace, ...attributes } = fields ?? {};
      const severity = /\.(?:failed|fault|cut)$/.test(event) ? "error" : "info";
      const traceId = typeof trace === "string" ? trace : undefined;
      exporter.line({ atMs: now(), severity, body: event, attributes, traceId });
    },
    close: async () => {
      clearInterval(timer);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, CLOSE_WITHIN_MS).unref();
      // What is being sent does not have the last lines.
      await Promise.race([(sending ?? Promise.resolve()).then(send), late]);
    },
  };
}

function openSpan(
  exporter: TelemetryExporter,
  sampling: TelemetrySettings,
  now: () => number,
  { name, kind, parent }: Pick<Span, "name" | "kind"> & { readonly parent: string | null },
): OpenSpan {
  const given = readTraceparent(parent);
  const context = spanContext(given, sampling, randomHex);
  const startMs = now();
  return {
    traceparent: writeTraceparent(context),
    end: (attributes, isError, within = []) => {
      if (!context.isSampled) return;
      const { traceId, spanId } = context;
      const parentSpanId = given?.spanId ?? null;
      exporter.span({
        ...{ traceId, spanId, parentSpanId, name, kind },
        ...{ startMs, endMs: now(), attributes, isError },
      });
      for (const part of within)
        exporter.span({
          ...{ traceId, spanId: randomHex(8), parentSpanId: spanId, kind: "internal" },
          ...{ attributes: {}, isError: false, ...part },
        });
    },
  };
}
