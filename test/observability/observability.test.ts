import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { errorCodes } from "#wire/error-codes.ts";
import { generated } from "../../infra/observability/generate.ts";
import { metricsOfEdge, metricsOfFunction } from "../../infra/observability/known-metrics.ts";

const FOLDER = "infra/observability";

const known = new Map(
  [...metricsOfEdge(), ...metricsOfFunction()].flatMap(({ name, type, labels }) =>
    type === "histogram"
      ? [
          [`${name}_bucket`, [...labels, "le"]] as const,
          [`${name}_sum`, labels] as const,
          [`${name}_count`, labels] as const,
        ]
      : [[name, labels] as const],
  ),
);

/** What Prometheus adds to every series that it scrapes. */
const ADDED = ["instance", "job"];

/** Metrics and labels of an expression that nobody exposes; functions and names of Prometheus begin otherwise than ours. */
function unknownIn(expr: string): readonly string[] {
  const used = [...expr.matchAll(/\b(unmask_[a-z0-9_]+)(?:\{([^}]*)\})?/g)];
  const unknown = used.flatMap(([, name = "", braced = ""]) => {
    const labels = known.get(name);
    if (labels === undefined) return [`${name} is no metric`];
    const asked = [...braced.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)].map(
      ([, label = ""]) => label,
    );
    return asked.flatMap((label) =>
      [...labels, ...ADDED].includes(label) ? [] : [`${name} has no label ${label}`],
    );
  });
  const all = [...ADDED, ...used.flatMap(([, name = ""]) => known.get(name) ?? [])];
  const grouped = [...expr.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g)]
    .flatMap(([, list = ""]) => list.split(",").map((label) => label.trim()))
    .filter((label) => label !== "" && !all.includes(label));
  const nothing = used.length === 0 ? [`${expr} asks for no metric of ours`] : [];
  return [
    ...unknown,
    ...grouped.map((label) => `${label} is a label of nothing in ${expr}`),
    ...nothing,
  ];
}

const place = z.strictObject({ h: z.int(), w: z.int(), x: z.int(), y: z.int() });
const datasource = z.strictObject({
  type: z.literal("prometheus"),
  uid: z.literal(`\${datasource}`),
});
const target = z.strictObject({
  refId: z.string().regex(/^[A-Z]$/),
  datasource,
  expr: z.string(),
  legendFormat: z.string(),
  range: z.boolean(),
  instant: z.boolean(),
  format: z.literal("table").optional(),
});
const rowPanel = z.strictObject({
  id: z.int(),
  type: z.literal("row"),
  title: z.string(),
  collapsed: z.literal(false),
  gridPos: place,
  panels: z.array(z.never()),
});
const panel = z.strictObject({
  id: z.int(),
  type: z.enum(["timeseries", "stat", "table"]),
  title: z.string().min(1),
  description: z.string().min(1),
  gridPos: place,
  datasource,
  fieldConfig: z.strictObject({
    defaults: z.strictObject({
      unit: z.enum(["s", "short", "ops", "bytes", "percentunit", "currencyUSD"]),
      thresholds: z.strictObject({
        mode: z.literal("absolute"),
        steps: z.array(z.strictObject({ color: z.string(), value: z.number().nullable() })).min(1),
      }),
    }),
    overrides: z.array(z.never()),
  }),
  options: z.record(z.string(), z.unknown()),
  targets: z.array(target).min(1),
});
/** Of Grafana's dashboard JSON model (schema version 39) what ours use, and nothing that it does not know. */
const dashboardSchema = z.strictObject({
  uid: z.string().max(40),
  title: z.string(),
  description: z.string(),
  schemaVersion: z.literal(39),
  version: z.int(),
  editable: z.boolean(),
  graphTooltip: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  refresh: z.string(),
  tags: z.array(z.string()),
  time: z.strictObject({ from: z.string(), to: z.string() }),
  timezone: z.enum(["utc", "browser"]),
  templating: z.strictObject({
    list: z.array(
      z.strictObject({
        name: z.literal("datasource"),
        label: z.string(),
        type: z.literal("datasource"),
        query: z.literal("prometheus"),
        hide: z.int(),
        refresh: z.int(),
      }),
    ),
  }),
  annotations: z.strictObject({ list: z.array(z.never()) }),
  panels: z.array(z.union([rowPanel, panel])),
});

const ruleSchema = z.strictObject({
  alert: z.string().regex(/^Unmask[A-Za-z]+$/),
  expr: z.string(),
  for: z
    .string()
    .regex(/^\d+[mh]$/)
    .optional(),
  labels: z.strictObject({ severity: z.enum(["page", "ticket"]) }),
  annotations: z.strictObject({ summary: z.string(), runbook: z.string() }),
});
const rulesSchema = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(ruleSchema) })),
});

function read(file: string): string {
  return readFileSync(`${FOLDER}/${file}`, "utf8");
}

const rules = rulesSchema.parse(parse(read("rules.yml"))).groups.flatMap((group) => group.rules);

test.each([...generated()])("%s is what its script makes", (file, text) => {
  expect(readFileSync(file, "utf8") === text, "run infra/observability/generate.ts").toBe(true);
});

describe.each(["operator", "seller"])("the dashboard %s", (name) => {
  const { panels } = dashboardSchema.parse(JSON.parse(read(`dashboards/${name}.json`)));
  const drawn = panels.flatMap((one) => (one.type === "row" ? [] : [one]));

  test("asks for metrics and labels that the edge or a function exposes", () => {
    const exprs = drawn.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(exprs.flatMap(unknownIn)).toEqual([]);
  });

  test("names labels in its legends that its series have", () => {
    const wrong = drawn.flatMap(({ targets }) =>
      targets.flatMap(({ expr, legendFormat }) =>
        [...legendFormat.matchAll(/\{\{([a-z_]+)\}\}/g)]
          .map(([, label = ""]) => label)
          .filter((label) => unknownIn(`sum by (${label}) (${expr})`).length > 0)
          .map((label) => `${label} of ${expr}`),
      ),
    );
    expect(wrong).toEqual([]);
  });

  test("has no two panels in one place, and none beyond the grid", () => {
    const taken = new Set<string>();
    for (const { gridPos } of panels)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(x).toBeLessThan(24);
          expect(taken.has(`${x} ${y}`), `${x} ${y}`).toBe(false);
          taken.add(`${x} ${y}`);
        }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});

test("every metric of the edge is on a dashboard or in an alert", () => {
  const text = [
    "dashboards/operator.json",
    "dashboards/seller.json",
    "rules.yml",
    "../docs/runbook.md",
  ]
    .map(read)
    .join();
  const unseen = metricsOfEdge().filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(text));
  expect(unseen.map(({ name }) => name)).toEqual([]);
});

test("codes of refusals that a query names are codes that there are", () => {
  const codes = [...read("dashboards/seller.json").matchAll(/code=~\\"([^"\\]+)\\"/g)].flatMap(
    ([, list = ""]) => list.split("|"),
  );
  expect(codes.length).toBeGreaterThan(0);
  expect(codes.filter((code) => !Object.hasOwn(errorCodes, code))).toEqual([]);
});

describe("the alerts", () => {
  const names = rules.map(({ alert }) => alert);

  test("ask for metrics and labels that the edge or a function exposes", () => {
    expect(rules.flatMap(({ expr }) => unknownIn(expr))).toEqual([]);
  });

  test("have each its section of the runbook, which says what it means, how to look and what to do; and each section its alert", () => {
    const sections = readFileSync("infra/docs/runbook.md", "utf8").split(/^## /m).slice(1);
    expect(sections.map((text) => text.split("\n")[0])).toEqual(expect.arrayContaining(names));
    expect(sections).toHaveLength(names.length);
    for (const section of sections)
      for (const word of ["**Means**", "**Look**", "**Do**"]) expect(section).toContain(word);
    for (const { alert, labels, annotations } of rules) {
      expect(annotations.runbook).toBe(`infra/docs/runbook.md#${alert.toLowerCase()}`);
      const section = sections.find((text) => text.startsWith(`${alert}\n`)) ?? "";
      expect(section.toLowerCase(), alert).toMatch(
        new RegExp(`^${alert.toLowerCase()}\\n\\n${labels.severity}`),
      );
    }
  });

  test("have each a test in which they ring and one in which they do not", () => {
    const { tests } = parse(read("rules_test.yml")) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
    };
    const tried = tests.flatMap(({ alert_rule_test: cases }) => cases);
    for (const name of names) {
      const own = tried.filter(({ alertname }) => alertname === name);
      expect(
        own.some(({ exp_alerts }) => exp_alerts.length > 0),
        name,
      ).toBe(true);
      expect(
        own.some(({ exp_alerts }) => exp_alerts.length === 0),
        name,
      ).toBe(true);
    }
    expect(new Set(tried.map(({ alertname }) => alertname))).toEqual(new Set(names));
  });
});

test("the checker sees a metric, a label and a grouping that nobody has", () => {
  expect(unknownIn("rate(unmask_edge_answers_total[5m])")).toEqual([]);
  expect(unknownIn("unmask_edge_nothing")).toHaveLength(1);
  expect(unknownIn('unmask_edge_answers_total{code="x"}')).toHaveLength(1);
  expect(unknownIn("sum by (code) (unmask_edge_answers_total)")).toHaveLength(1);
  expect(unknownIn("sum by (le) (unmask_answer_wait_seconds_bucket)")).toEqual([]);
  expect(unknownIn("up")).toHaveLength(1);
});
