// One measurement in a process of its own: node main.ts '{"measure": …}'. Lines that begin with a keyword are for whoever started
// it: `AT` what is being tried, `ROW` a line of figures, `WHY` an error, `END` that there was none.

import { errorChain } from "#inference/log.ts";
import { answers } from "./answers.ts";
import { attention } from "./attention.ts";
import { load } from "./load.ts";
import type { Bench, Measure, Order } from "./measure.ts";
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
const bench: Bench = {
  order,
  begin: (what) => write("AT", what),
  tell: (row) => write("ROW", row),
  leftMs: () => Math.max(0, order.endMs - Date.now()),
};
const { words, code } = await measure(bench).then(
  () => ({ words: "END", code: 0 }),
  (error: unknown) => ({ words: `WHY ${JSON.stringify(errorChain(error))}`, code: 1 }),
);
// Runtimes keep threads of their own, and end badly when a process ends around them.
process.stdout.write(`${words}\n`, () => process.exit(code));
