import { type LogLine, logsBody, type Span, tracesBody } from "./otlp.ts";
import type { TelemetrySettings } from "./settings.ts";

/** Threat: a collector that is away while much happens. So many spans, and lines, are kept; what comes beyond is dropped and counted. Source: OpenTelemetry's own default. */
export const MAX_KEPT = 2_048;

/** In one request. Source: OpenTelemetry's own default. */
export const MAX_BATCH = 512;

/** Threat: an attribute that holds a whole reply. Source: nothing that we write on purpose is longer. */
const MAX_TEXT = 4_096;

/** Sends one batch; says whether it is worth trying again. Never rejects. */
export type PostBatch = (url: string, body: string) => Promise<"taken" | "refused" | "again">;

/** Keeps what was told until it is sent, in batches; what cannot be sent is kept for the next time, as far as there is room. */
export class TelemetryExporter {
  readonly #settings: TelemetrySettings;
  readonly #post: PostBatch;
  #spans: Span[] = [];
  #lines: LogLine[] = [];
  #dropped = 0;

  constructor(settings: TelemetrySettings, post: PostBatch) {
    this.#settings = settings;
    this.#post = post;
  }

  span(span: Span): void {
    if (this.#settings.tracesUrl !== undefined) this.#keep(this.#spans, span);
  }

  line(line: LogLine): void {
    if (this.#settings.logsUrl !== undefined) this.#keep(this.#lines, line);
  }

  /** What was dropped since this was asked last. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  /** Sends all that is there; stops at the first batch that is to be tried again. */
  async flush(): Promise<void> {
    const { tracesUrl, logsUrl, resource } = this.#settings;
    const [spans, lines] = [this.#spans, this.#lines];
    [this.#spans, this.#lines] = [[], []];
    const left = await Promise.all([
      this.#send(tracesUrl, spans, (batch) => tracesBody(resource, batch)),
      this.#send(logsUrl, lines, (batch) => logsBody(resource, batch)),
    ]);
    this.#spans = this.#rest(left[0], this.#spans);
    this.#lines = this.#rest(left[1], this.#lines);
  }

  #keep<Told extends Span | LogLine>(kept: Told[], told: Told): void {
    if (kept.length < MAX_KEPT) kept.push({ ...told, attributes: shortened(told.attributes) });
    else this.#dropped += 1;
  }

  /** Returns what is to be tried again. */
  async #send<Told>(
    url: string | undefined,
    all: readonly Told[],
    body: (batch: readonly Told[]) => object,
  ): Promise<readonly Told[]> {
    if (url === undefined) return [];
    for (let start = 0; start < all.length; start += MAX_BATCH) {
      const batch = all.slice(start, start + MAX_BATCH);
      const outcome = await this.#post(url, JSON.stringify(body(batch)));
      if (outcome === "again") return all.slice(start);
      if (outcome === "refused") this.#dropped += batch.length;
    }
    return [];
  }

  #rest<Told>(left: readonly Told[], come: readonly Told[]): Told[] {
    const all = [...left, ...come];
    this.#dropped += Math.max(0, all.length - MAX_KEPT);
    return all.slice(0, MAX_KEPT);
  }
}

function shortened(attributes: Span["attributes"]): Span["attributes"] {
  const isLong = (value: unknown): value is string =>
    typeof value === "string" && value.length > MAX_TEXT;
  if (!Object.values(attributes).some(isLong)) return attributes;
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [
      key,
      isLong(value) ? `${value.slice(0, MAX_TEXT)}…` : value,
    ]),
  );
}

/** Sends batches over HTTP. Source: OTLP/HTTP, "Failures": 429, 502, 503 and 504 are tried again, and so is no reply at all. */
export function httpPost(
  { headers, timeoutMs }: Pick<TelemetrySettings, "headers" | "timeoutMs">,
  send: (url: string, init: RequestInit) => Promise<Response>,
): PostBatch {
  return async (url, body) => {
    try {
      const response = await send(url, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body?.cancel();
      if (response.ok) return "taken";
      return [429, 502, 503, 504].includes(response.status) ? "again" : "refused";
    } catch {
      return "again";
    }
  };
}
