import { describe, expect, test } from "vitest";
import { createMetrics } from "#inference/metrics.ts";

const gauges = {
  answers_running: 1,
  answers_waiting: 2,
  queue_steps: 48,
  ready: 1,
  weights_loaded_bytes: 3,
  weights_total_bytes: 4,
  process_resident_memory_bytes: 5,
};
const answered = {
  outcome: "completed",
  waitedMs: 0,
  ranMs: 200,
  steps: 8,
  forwardPasses: 16,
  rows: 1000,
};

/** Reads an exposition back: the value of each series, and the type of each family. */
function read(text: string): { values: Map<string, number>; types: Map<string, string> } {
  const values = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.trimEnd().split("\n")) {
    const [, family, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (family !== undefined && type !== undefined) types.set(family, type);
    if (line.startsWith("#")) continue;
    const [, series, value] = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? [];
    if (series === undefined || values.has(series)) throw new Error(`not a sample: ${line}`);
    values.set(series, Number(value));
  }
  return { values, types };
}

describe("the metrics", () => {
  test("give every sample once, under a family whose type is told, and end in a line feed", () => {
    const metrics = createMetrics();
    metrics.answered(answered);
    metrics.fetched({ purpose: "image", outcome: "fetched" });
    const text = metrics.render(gauges);
    const { values, types } = read(text);
    expect(text.endsWith("\n")).toBe(true);
    for (const series of values.keys()) {
      const name = series.replace(/\{.*/, "");
      const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
      expect(types.has(family)).toBe(true);
    }
  });

  test("count answers and fetches by how they ended, and the work that was done", () => {
    const metrics = createMetrics();
    metrics.answered(answered);
    metrics.answered(answered);
    metrics.answered({ ...answered, outcome: "partial" });
    metrics.fetched({ purpose: "webhook", outcome: "204" });
    const { values } = read(metrics.render(gauges));
    expect(values.get('unmask_answers_total{outcome="completed"}')).toBe(2);
    expect(values.get('unmask_answers_total{outcome="partial"}')).toBe(1);
    expect(values.get('unmask_fetches_total{purpose="webhook",outcome="204"}')).toBe(1);
    expect(values.get("unmask_steps_total")).toBe(24);
    expect(values.get("unmask_forward_passes_total")).toBe(48);
    expect(values.get("unmask_rows_total")).toBe(3000);
    expect(values.get("unmask_answers_waiting")).toBe(2);
  });

  test("count work that waits in steps: what an answer brings, less what is done, and nothing of those that have ended", () => {
    const { queued, queueSteps } = createMetrics();
    const [long, short] = [queued(64), queued(8)];
    expect(queueSteps()).toBe(72);
    long(40);
    expect(queueSteps()).toBe(48);
    short(0);
    short(0);
    long(0);
    expect(queueSteps()).toBe(0);
  });

  test("hold a histogram's law: its buckets never fall, the last is the count, the sum is in seconds", () => {
    const metrics = createMetrics();
    for (const ranMs of [10, 200, 900, 4_000_000]) metrics.answered({ ...answered, ranMs });
    const { values } = read(metrics.render(gauges));
    const buckets = [...values].filter(([series]) =>
      series.startsWith("unmask_answer_run_seconds_bucket"),
    );
    const counts = buckets.map(([, count]) => count);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(values.get('unmask_answer_run_seconds_bucket{le="0.25"}')).toBe(2);
    expect(counts.at(-1)).toBe(4);
    expect(values.get("unmask_answer_run_seconds_count")).toBe(4);
    expect(values.get("unmask_answer_run_seconds_sum")).toBeCloseTo(4001.11, 6);
  });

  test("let no label break out of its quotes", () => {
    const metrics = createMetrics();
    metrics.fetched({ purpose: "image", outcome: 'a"} 1\nforged 7' });
    const { values } = read(metrics.render(gauges));
    expect(values.has("forged")).toBe(false);
    expect(values.get('unmask_fetches_total{purpose="image",outcome="a___1_forged_7"}')).toBe(1);
  });
});
