import { tmpdir } from "node:os";
import path from "node:path";
import type { Rows } from "./measure.ts";
import { type Look, type SoakFigures, soak } from "./soak.ts";
import { type Trend, trendOf } from "./trend.ts";

/** Tables that keep a row of every answer for ever: money is. */
const FOR_EVER: readonly string[] = ["LedgerObject.entries", "D1.usage"];

/** Collections, of which a trend can be said. */
const FEWEST = 8;

/** Tables that have a row a day for each account and key, for longer than the days of a soak. */
const A_DAY: readonly string[] = ["LedgerObject.spending", "D1.refusals"];

/** Runs a soak: rows of what and how much. Throws an Error for an unknown choice. */
export async function reportSoak(
  wanted: number,
  folder: string | undefined,
): Promise<readonly (readonly string[])[]> {
  if (!Number.isInteger(wanted) || wanted < 400 || wanted > 10_000_000)
    throw new Error("--answers is a whole number from 400 to 10000000");
  const at = folder ?? path.join(tmpdir(), `unmask-soak-${process.pid}`);
  const say = (words: string): void => void process.stderr.write(`${words}\n`);
  say(`state in ${at}; the same --folder goes on behind the last whole day`);
  const figures = await soak({ answers: wanted, folder: path.resolve(at), say });
  return [...ends(figures), ...money(figures.end), ...machine(figures), ...rows(figures)];
}

function ends(figures: SoakFigures): readonly (readonly string[])[] {
  const { answers, seconds, kills, tally, lost, hasClock } = figures;
  return [
    [
      "answers asked for",
      `${answers} in ${seconds.toFixed(0)} s, ${(answers / seconds).toFixed(0)}/s`,
    ],
    ["  killed", `workerd ${kills.edge} times, a function ${kills.functions} times`],
    ["  days that passed", hasClock ? String(figures.days.length) : "none: no C compiler"],
    [
      "  ended, of them failed and cancelled",
      `${tally.ended}, ${tally.failed}, ${tally.cancelled}`,
    ],
    ["  cut off before they had a name", String(tally.cutOff)],
    ["  asked again under the same key", String(tally.repeats)],
    ["accepted and lost", `${lost.length}${lost.length > 0 ? `: ${lost.slice(0, 5)}` : ""}`],
  ];
}

function money({ money: sums, undone, tables }: Rows): readonly (readonly string[])[] {
  const { imbalance, held, revenue, revenueByEntries, captures } = sums;
  return [
    [
      "ledgers: out of balance, held, revenue less entries",
      `${imbalance}, ${held}, ${revenue - revenueByEntries} micro-dollars`,
    ],
    ["  captured, of it in the list of usage", `${captures}, ${tables["D1.usage"]}`],
    ...Object.entries(undone).map(([table, count]) => [`  undone in ${table}`, String(count)]),
  ];
}

function machine({ looks, heaps }: SoakFigures): readonly (readonly string[])[] {
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const whole = (count: number): string => count.toFixed(0);
  const ms = (milliseconds: number): string => `${milliseconds.toFixed(0)} ms`;
  const line = (name: string, of: (look: Look) => number, unit: (value: number) => string) => [
    name,
    wordsOf(trendOf(looks.map(of)), unit),
  ];
  return [
    line("memory of workerd", ({ edge }) => edge.rssBytes, mib),
    [
      "  of it JavaScript, behind collections",
      heaps.length < FEWEST ? "too few collections to say" : wordsOf(trendOf(heaps), mib),
    ],
    line("  its file handles", ({ edge }) => edge.handles, whole),
    line("memory of a function", (look) => look.function.rssBytes, mib),
    line("  its file handles", (look) => look.function.handles, whole),
    line("a plain answer, median", ({ medianMs }) => medianMs, ms),
    line("  99 of 100", ({ slowMs }) => slowMs, ms),
  ];
}

function rows({ days, answers }: SoakFigures): readonly (readonly string[])[] {
  const names = [...new Set(days.flatMap(({ tables }) => Object.keys(tables)))].sort();
  return names.map((name) => {
    const series = days.map(({ tables }) => tables[name] ?? 0);
    const trend = trendOf(series);
    const perAnswer = (trend.to - trend.from) / (answers / 2 / days.length) / (days.length * 0.375);
    if (FOR_EVER.includes(name))
      return [`rows of ${name}`, `kept for ever, ${perAnswer.toFixed(2)} an answer`];
    const words = wordsOf(trend, (value) => value.toFixed(0));
    return [`rows of ${name}`, A_DAY.includes(name) ? `${words} (rows a day)` : words];
  });
}

function wordsOf({ isLevel, from, to }: Trend, unit: (value: number) => string): string {
  return `${isLevel ? "level" : "GROWS"}: ${unit(from)} → ${unit(to)}`;
}
