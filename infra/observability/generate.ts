// Writes what is made from the code: the dashboards, and the tables of metrics in infra/docs/operations.md. After a change of
// either: npm run -s node -- infra/observability/generate.ts

import { readFileSync, writeFileSync } from "node:fs";
import { dashboard } from "./dashboard.ts";
import { metricsOfEdge, metricsOfFunction, metricsTable } from "./known-metrics.ts";
import { operator } from "./operator.ts";
import { seller } from "./seller.ts";

const PAGE = "infra/docs/operations.md";

/** Every file that is made, as it should be. */
export function generated(): ReadonlyMap<string, string> {
  const page = readFileSync(PAGE, "utf8");
  return new Map([
    ["infra/observability/dashboards/operator.json", json(dashboard(operator))],
    ["infra/observability/dashboards/seller.json", json(dashboard(seller))],
    [
      PAGE,
      withTable(
        withTable(page, "edge", metricsTable(metricsOfEdge())),
        "function",
        metricsTable(metricsOfFunction()),
      ),
    ],
  ]);
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Replaces what stands between the comments that a table begins and ends with. */
function withTable(page: string, name: string, table: string): string {
  const place = new RegExp(`(<!-- metrics of the ${name} -->\n)[\\s\\S]*?(<!-- end -->)`);
  if (!place.test(page)) throw new Error(`${PAGE} has no place for the metrics of the ${name}`);
  return page.replace(place, (_, begin, end) => `${begin}${table}\n${end}`);
}

if (process.argv[1]?.endsWith("infra/observability/generate.ts") === true)
  for (const [file, text] of generated()) writeFileSync(file, text);
