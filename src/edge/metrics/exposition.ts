/** A metric as it is described to who reads it. */
export interface MetricDefinition {
  readonly type: "counter" | "gauge";
  /** One sentence, with the unit where the name does not say it. */
  readonly help: string;
  /** Names of its labels, in the order in which they are written. */
  readonly labels: readonly string[];
}

/** One value of a metric. */
export interface Sample<Name extends string> {
  readonly name: Name;
  /** Values of its labels, in the order of the definition. */
  readonly labels: readonly string[];
  readonly value: number;
}

export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Writes metrics as Prometheus reads them: every definition with its type and help, also those that have no value now. Source:
 * Prometheus text exposition format 0.0.4.
 */
export function renderMetrics<Name extends string>(
  definitions: Readonly<Record<Name, MetricDefinition>>,
  samples: readonly Sample<Name>[],
): string {
  const lines = Object.entries<MetricDefinition>(definitions).flatMap(([name, definition]) => [
    `# HELP ${name} ${definition.help}`,
    `# TYPE ${name} ${definition.type}`,
    ...samples
      .filter((sample) => sample.name === name)
      .map(({ labels, value }) => `${name}${braced(definition.labels, labels)} ${value}`),
  ]);
  return `${lines.join("\n")}\n`;
}

function braced(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return "";
  const pairs = names.map((name, index) => `${name}="${escaped(values[index] ?? "")}"`);
  return `{${pairs.join(",")}}`;
}

/** Threat: a model's name, which its function says, that ends the line. */
function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
