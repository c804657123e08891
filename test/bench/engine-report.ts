import type { StorageForm } from "#weights/format-choice.ts";
import { measureAnswers, measureLayers, OPERATIONS_PER_ROW } from "./engine.bench.ts";
import type { Took } from "./took.ts";

/** What `convert` makes for CPUs. */
const FORMS: readonly StorageForm[] = [
  { format: "w8a8" },
  { format: "w7a8" },
  { format: "q4", block: 128 },
];

/** What 0.1.0 could read too. */
const OLD_FORMS: readonly StorageForm[] = [{ format: "w8a8" }, { format: "q4", block: 32 }];

type Line = readonly [string, string];

/** Measures the engine and says it in lines as they come; with another checkout, a layer of both by turns. */
export async function* engineReport(against: string | undefined): AsyncIterable<readonly Line[]> {
  const say = (words: string): void => void process.stderr.write(`${words}\n`);
  if (against !== undefined) {
    yield* layers(OLD_FORMS, [against, "."], say);
    return;
  }
  yield* layers(FORMS, ["."], say);
  say("passes of an answer …");
  yield await answers();
}

async function* layers(
  forms: readonly StorageForm[],
  checkouts: readonly string[],
  say: (words: string) => void,
): AsyncIterable<readonly Line[]> {
  for await (const { form, rows, sides } of measureLayers(forms, checkouts, say)) {
    const lines: Line[] = [];
    for (const [index, { layer, product, peakRssBytes }] of sides.entries()) {
      const operations = (OPERATIONS_PER_ROW * rows) / layer.wallMs / 1e6;
      lines.push(
        [`${nameOf(form)}, ${rows} positions, ${checkouts[index]}`, times(layer)],
        ["  of the linears' operations", `${operations.toFixed(0)} GOP/s`],
        ["  share of plain integer products", ratios(product, layer)],
        ["  peak memory of 8 such layers", `${(peakRssBytes / 1e9).toFixed(2)} GB`],
      );
    }
    const [before, after] = sides;
    if (before !== undefined && after !== undefined)
      lines.push(["  after over before", ratios(after.layer, before.layer)]);
    yield lines;
  }
}

async function answers(): Promise<Line[]> {
  const figures = await measureAnswers({ format: "w8a8" });
  const [exact] = figures;
  return [
    ["w8a8, an answer at 32 layers, no head", "extrapolated from passes at 2 and 6 layers"],
    ...figures.flatMap(({ mode, passes, refreshes, took }): Line[] => [
      [
        `  ${mode}`,
        `${times(took)}; ${passes.toFixed(1)} passes, ${refreshes.toFixed(1)} with the prompt`,
      ],
      ["    over exact", exact === undefined ? "" : ratios(took, exact.took)],
    ]),
  ];
}

export function nameOf({ format, block }: StorageForm): string {
  return block === undefined ? format : `${format} in blocks of ${block}`;
}

export function times({ wallMs, cpuMs }: Took): string {
  const inUnits = (ms: number): string =>
    ms < 10_000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`;
  return `${inUnits(wallMs)}, CPU ${inUnits(cpuMs)}`;
}

export function ratios(of: Took, over: Took): string {
  return `${(of.wallMs / over.wallMs).toFixed(3)}, CPU ${(of.cpuMs / over.cpuMs).toFixed(3)}`;
}
