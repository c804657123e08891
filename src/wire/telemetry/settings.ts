import * as z from "zod";

/** Where traces and logs are sent, and how much of them. */
export interface TelemetrySettings {
  /** Whole addresses; undefined: not sent. */
  readonly tracesUrl: string | undefined;
  readonly logsUrl: string | undefined;
  /** Sent with each batch: whose it is. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Share of the traces that begin here which are kept, 0 to 1. */
  readonly ratio: number;
  /** Whether a trace that somebody else began is kept as that one says. */
  readonly followsParent: boolean;
  readonly resource: Readonly<Record<string, string>>;
}

const SAMPLERS = [
  ...["always_on", "always_off", "traceidratio"],
  ...["parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"],
] as const;

const url = z.url({ protocol: /^https?$/ });
const exporter = z
  .enum(["otlp", "none"], "is no exporter that is here: otlp or none")
  .default("otlp");

/** `a=1,b=2`, percent-encoded. Source: OpenTelemetry, "Specifying headers via environment variables". */
const pairs = z
  .string()
  .default("")
  .transform((text, context) => {
    const entries = text
      .split(",")
      .filter((pair) => pair.trim() !== "")
      .map((pair) => {
        const at = pair.indexOf("=");
        return [pair.slice(0, Math.max(at, 0)).trim(), decoded(pair.slice(at + 1).trim())] as const;
      });
    if (entries.every(([key, value]) => key !== "" && value !== undefined))
      return Object.fromEntries(entries) as Record<string, string>;
    // Its values may be secret: the message does not quote them.
    context.addIssue({ code: "custom", message: "is no list of name=value, separated by commas" });
    return z.NEVER;
  });

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const variables = z.object({
  OTEL_EXPORTER_OTLP_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: pairs,
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .literal(
      "http/json",
      "is spoken as http/json alone; collectors take it on the port of http/protobuf",
    )
    .optional(),
  OTEL_EXPORTER_OTLP_TIMEOUT: z.coerce.number().int().min(1).max(60_000).default(10_000),
  OTEL_TRACES_EXPORTER: exporter,
  OTEL_LOGS_EXPORTER: exporter,
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default("parentbased_always_on"),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  OTEL_SERVICE_NAME: z.string().min(1).optional(),
  OTEL_RESOURCE_ATTRIBUTES: pairs,
  OTEL_SDK_DISABLED: z.enum(["true", "false"]).default("false"),
});

/** Their names. */
export const TELEMETRY_VARIABLES: readonly string[] = Object.keys(variables.shape);

/**
 * Reads OpenTelemetry's variables; undefined where nothing is to be exported. Throws an Error that names every variable that is
 * wrong. `service`: the name of the service unless they say another.
 */
export function telemetrySettings(
  given: Readonly<Record<string, unknown>>,
  service: string,
): TelemetrySettings | undefined {
  const own = Object.entries(given).filter(
    ([name, value]) => name.startsWith("OTEL_") && value !== "",
  );
  if (own.length === 0) return undefined;
  const parsed = variables.safeParse(Object.fromEntries(own));
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
    throw new Error(`traces and logs cannot be exported: ${faults.join("; ")}`);
  }
  const values = parsed.data;
  const base = values.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/$/, "");
  const below = (path: string): string | undefined =>
    base === undefined ? undefined : `${base}/v1/${path}`;
  const isOn = (kind: "otlp" | "none"): boolean => kind === "otlp";
  const tracesUrl = values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? below("traces");
  const logsUrl = values.OTEL_EXPORTER_OTLP_LOGS_ENDPOINT ?? below("logs");
  if (values.OTEL_SDK_DISABLED === "true" || (tracesUrl ?? logsUrl) === undefined) return undefined;
  const sampler = values.OTEL_TRACES_SAMPLER;
  return {
    tracesUrl: isOn(values.OTEL_TRACES_EXPORTER) ? tracesUrl : undefined,
    logsUrl: isOn(values.OTEL_LOGS_EXPORTER) ? logsUrl : undefined,
    headers: values.OTEL_EXPORTER_OTLP_HEADERS,
    timeoutMs: values.OTEL_EXPORTER_OTLP_TIMEOUT,
    ratio: sampler.endsWith("off")
      ? 0
      : sampler.endsWith("on")
        ? 1
        : values.OTEL_TRACES_SAMPLER_ARG,
    followsParent: sampler.startsWith("parentbased"),
    resource: {
      ...values.OTEL_RESOURCE_ATTRIBUTES,
      "service.name":
        values.OTEL_SERVICE_NAME ?? values.OTEL_RESOURCE_ATTRIBUTES["service.name"] ?? service,
    },
  };
}
