import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { type EdgeMetric, edgeMetrics } from "#edge/metrics/catalog.ts";
import { renderMetrics } from "#edge/metrics/exposition.ts";
import { createMetrics } from "#inference/metrics.ts";

// promtool comes with Debian's package prometheus.

function promtool(args: readonly string[], input = ""): string {
  return execFileSync("promtool", args, { encoding: "utf8", input });
}

test("promtool finds no fault in the rules, and their tests pass", () => {
  expect(promtool(["check", "rules", "infra/observability/rules.yml"])).toMatch(/17 rules found/);
  expect(promtool(["test", "rules", "infra/observability/rules_test.yml"])).toMatch(/SUCCESS/);
});

test("promtool reads what the edge and a function expose", () => {
  const samples = Object.entries(edgeMetrics).map(([name, { labels }], index) => ({
    name: name as EdgeMetric,
    labels: labels.map((label) => `a "${label}" \\ of ${index}`),
    value: index / 3,
  }));
  expect(promtool(["check", "metrics"], renderMetrics<EdgeMetric>(edgeMetrics, samples))).toBe("");
  const metrics = createMetrics();
  const counted = { waitedMs: 1, ranMs: 1, steps: 1, forwardPasses: 1, rows: 1 };
  metrics.answered({ outcome: "completed", ...counted });
  expect(promtool(["check", "metrics"], metrics.render({ ready: 1 }))).toBe("");
});
