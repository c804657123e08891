import { httpPost, TelemetryExporter } from "#wire/telemetry/exporter.ts";
import type { LogLine, Span } from "#wire/telemetry/otlp.ts";
import { type TelemetrySettings, telemetrySettings } from "#wire/telemetry/settings.ts";

/** Lets what is told gather, so that a busy isolate sends few requests. */
const GATHER_MS = 1_000;

/** A sending that has not come back by then went with its request: the next one sends. Twice what a collector may take at most. */
const LOST_MS = 120_000;

/** Sends spans and lines to a collector, from the requests and objects that tell them. */
export class EdgeTelemetry {
  readonly settings: TelemetrySettings;
  readonly #exporter: TelemetryExporter;
  readonly #keepUp: (work: Promise<void>) => void;
  #sendingSince = Number.NEGATIVE_INFINITY;

  /** `keepUp` keeps what is at work up until the work is done. */
  constructor(
    settings: TelemetrySettings,
    exporter: TelemetryExporter,
    keepUp: (work: Promise<void>) => void,
  ) {
    this.settings = settings;
    this.#exporter = exporter;
    this.#keepUp = keepUp;
  }

  span(span: Span): void {
    this.#exporter.span(span);
    this.#sendSoon();
  }

  line(line: LogLine): void {
    this.#exporter.line(line);
    this.#sendSoon();
  }

  #sendSoon(): void {
    const now = Date.now();
    if (Math.abs(now - this.#sendingSince) < LOST_MS) return;
    this.#sendingSince = now;
    this.#keepUp(this.#send());
  }

  async #send(): Promise<void> {
    await scheduler.wait(GATHER_MS);
    this.#sendingSince = Number.NEGATIVE_INFINITY;
    await this.#exporter.flush();
    const dropped = this.#exporter.takeDropped();
    // Not by the log that is exported: it would tell of itself for ever.
    if (dropped > 0)
      console.error(JSON.stringify({ fault: "traces and logs were dropped", dropped }));
  }
}

/** What opens it, once it is wanted: the Worker's entry says so; elsewhere nothing is exported. */
let open: (() => EdgeTelemetry | null) | undefined;
let opened: EdgeTelemetry | null | undefined;

/**
 * Exports spans and lines as the variables ask for, from the first that is told. `keepUp` keeps the request or object that tells one up
 * until work is done.
 */
export function exportTelemetry(
  variables: Readonly<Record<string, unknown>>,
  keepUp: (work: Promise<void>) => void,
): void {
  opened = undefined;
  open = () => openTelemetry(variables, keepUp);
}

/** The isolate's own; null where nothing is exported. */
export function edgeTelemetry(): EdgeTelemetry | null {
  if (opened === undefined) opened = open?.() ?? null;
  return opened;
}

/** Null also where the variables are wrong, which is said once: an answer is worth more than its trace. */
function openTelemetry(
  variables: Readonly<Record<string, unknown>>,
  keepUp: (work: Promise<void>) => void,
): EdgeTelemetry | null {
  try {
    const settings = telemetrySettings(variables, "unmask-edge");
    if (settings === undefined) return null;
    const post = httpPost(settings, (url, init) => fetch(url, init));
    return new EdgeTelemetry(settings, new TelemetryExporter(settings, post), keepUp);
  } catch (cause) {
    console.error(
      JSON.stringify({ fault: cause instanceof Error ? cause.message : String(cause) }),
    );
    return null;
  }
}
