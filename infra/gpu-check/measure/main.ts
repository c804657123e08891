// One measurement in a process of its own: node main.ts '{"measure": …}'. Lines that begin with a keyword are for whoever started
// it: `AT` what is being tried, `ROW` a line of figures, `END` that nothing went wrong.

import { answers } from "./answers.ts";
import { attention } from "./attention.ts";
import { load } from "./load.ts";
import type { Measure, Order } from "./measure.ts";
import { products } from "./products.ts";
import { selfTest } from "./self-tests.ts";
import { emptyRun, nothing, provider } from "./sessions.ts";
import { tokens } from "./tokens.ts";

const measures: Readonly<Record<string, Measure>> = {
  provider,
  emptyRun,
  nothing,
  selfTest,
  tokens,
  attention,
  products,
  answers,
  load,
};

const order = JSON.parse(process.argv[2] ?? "{}") as Order;
const measure = measures[order.measure];
if (measure === undefined) throw new Error(`no such measurement: ${order.measure}`);
const write = (keyword: string, value: unknown): void => {
  process.stdout.write(`${keyword} ${JSON.stringify(value)}\n`);
};
await measure({
  order,
  begin: (what) => write("AT", what),
  tell: (row) => write("ROW", row),
  leftMs: () => Math.max(0, order.endMs - Date.now()),
});
// Runtimes keep threads of their own, and end badly when a process ends around them.
process.stdout.write("END\n", () => process.exit(0));
