import { edgeMetrics } from "#edge/metrics/catalog.ts";
import { createMetrics } from "#inference/metrics.ts";

/** A metric that the edge or a function exposes. */
export interface KnownMetric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** What `GET /v1/metrics` of the edge exposes, in its order. */
export function metricsOfEdge(): readonly KnownMetric[] {
  return Object.entries(edgeMetrics).map(([name, definition]) => ({ name, ...definition }));
}

/** What `GET /metrics` of a function exposes: read from what one writes that has counted something of each kind. */
export function metricsOfFunction(): readonly KnownMetric[] {
  const metrics = createMetrics();
  const counted = { waitedMs: 1, ranMs: 1, steps: 1, forwardPasses: 1, rows: 1 };
  metrics.answered({ outcome: "completed", ...counted });
  metrics.fetched({ purpose: "webhook", outcome: "response" });
  const lines = metrics.render({ ready: 1 }).split("\n");
  return lines.flatMap((line) => {
    const [, name = "", help = ""] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
    if (name === "") return [];
    const type = lines.find((one) => one.startsWith(`# TYPE ${name} `))?.split(" ")[3] ?? "";
    const sample = lines.find((one) => one.startsWith(`${name}{`)) ?? "";
    const labels = [...sample.matchAll(/([a-z_]+)="/g)].map(([, label = ""]) => label);
    return [{ name, type, help, labels }];
  });
}

/** The metrics as a table of a page. */
export function metricsTable(metrics: readonly KnownMetric[]): string {
  const rows = metrics.map(({ name, type, labels, help }) => {
    const braced = labels.length === 0 ? "" : `{${labels.join(", ")}}`;
    return `| \`${name}${braced}\` | ${type} | ${help} |`;
  });
  return ["| metric | type | what it counts |", "| --- | --- | --- |", ...rows].join("\n");
}
