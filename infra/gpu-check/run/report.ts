import type { Row } from "../measure/measure.ts";
import type { Machine } from "./machine.ts";
import type { StepResult } from "./step-process.ts";

/** What a run leaves behind, as JSON. */
export interface Report {
  readonly version: 1;
  /** The commit that was packed. */
  readonly commit: string;
  readonly startedAt: string;
  readonly seconds: number;
  /** Shapes for software Vulkan: right or wrong counts, speed does not. */
  readonly small: boolean;
  readonly machine: Machine;
  readonly vulkan: string;
  readonly results: readonly StepResult[];
}

/** Seconds that an answer of the 8B's shape should take on an H100. */
const AIMS: readonly {
  provider: string;
  mode: string;
  canvas: number;
  steps: number;
  seconds: number;
}[] = [
  { provider: "webgpu", mode: "cached", canvas: 128, steps: 128, seconds: 8 },
  { provider: "cuda", mode: "cached", canvas: 128, steps: 128, seconds: 2.5 },
  { provider: "webgpu", mode: "cached", canvas: 32, steps: 16, seconds: 2 },
  { provider: "cuda", mode: "cached", canvas: 32, steps: 16, seconds: 0.5 },
];

/** The report for people: what runs, what was wrong, then table by table. */
export function reportText(report: Report): string {
  const { machine, results } = report;
  const gpus = machine.gpus.map(
    ({ name, memoryMB, driver, computeCapability }) =>
      `${name}, ${memoryMB} MB, driver ${driver}, compute capability ${computeCapability}`,
  );
  const failed = results.filter(({ outcome }) => outcome === "failed");
  const left = results.filter(({ outcome }) => outcome === "skipped");
  return [
    `# GPU check of ${report.commit}`,
    "",
    `${report.startedAt}, ${report.seconds.toFixed(0)} s. ${machine.system}; ${machine.processor}, ${machine.cores} cores, ${machine.memoryGB} GB; Node ${machine.node}.`,
    `GPU: ${gpus.join("; ") || "none that nvidia-smi knows"}. Vulkan: ${report.vulkan}.`,
    ...(report.small
      ? ["", "Small shapes, since no GPU was found: right and wrong count, speeds mean nothing."]
      : []),
    "",
    ...section("Wrong", wrongRows(results)),
    ...section(
      "Failed",
      failed.map(({ step, why = "" }) => ({ step, why })),
    ),
    ...section(
      "Skipped",
      left.map(({ step, why = "" }) => ({ step, why })),
    ),
    ...(report.small ? [] : section("Aims", aimRows(results))),
    ...measureNames(results).flatMap((measure) =>
      section(
        measure,
        results
          .filter((result) => result.measure === measure)
          .flatMap(({ provider, options, rows }) =>
            rows.map((row) => ({ provider, ...formatOf(options), ...row })),
          ),
      ),
    ),
  ].join("\n");
}

function measureNames(results: readonly StepResult[]): readonly string[] {
  return [...new Set(results.map(({ measure }) => measure))];
}

function formatOf(options: StepResult["options"]): Row {
  const { format } = options;
  return format === undefined ? {} : { format };
}

/** What gave a wrong number: the lines that decide whether a provider may answer anybody. */
function wrongRows(results: readonly StepResult[]): readonly Row[] {
  return results.flatMap(({ step, rows }) =>
    rows.filter(({ right }) => right === false).map((row) => ({ step, ...row })),
  );
}

function aimRows(results: readonly StepResult[]): readonly Row[] {
  return AIMS.map(({ provider, mode, canvas, steps, seconds }) => {
    const times = results
      .filter((result) => result.measure === "answers" && result.provider === provider)
      .flatMap(({ rows }) => rows)
      .filter((row) => row["mode"] === mode && row["canvas"] === canvas && row["steps"] === steps)
      .map((row) => Number(row["seconds"]));
    const best = times.length === 0 ? null : Math.min(...times);
    const answer = `${canvas} tokens in ${steps} steps, ${mode}`;
    return {
      provider,
      answer,
      aimSeconds: seconds,
      seconds: best,
      reached: best === null ? null : best <= seconds,
    };
  });
}

/** A table with every column that some row has, tables of the same shape apart. */
function section(title: string, rows: readonly Row[]): readonly string[] {
  if (rows.length === 0) return [];
  const groups = Map.groupBy(rows, (row) => String(row["what"] ?? ""));
  return [...groups].flatMap(([what, members]) => [
    `## ${what === "" ? title : `${title}: ${what}`}`,
    "",
    ...table(members),
    "",
  ]);
}

function table(rows: readonly Row[]): readonly string[] {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter(
    (column) => column !== "what",
  );
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line(columns),
    line(columns.map(() => "---")),
    ...rows.map((row) => line(columns.map((column) => cell(row[column])))),
  ];
}

function cell(value: Row[string] | undefined): string {
  if (value === undefined || value === null) return "–";
  if (typeof value === "boolean") return value ? "yes" : "**no**";
  return String(value).replaceAll("|", "\\|").replaceAll("\n", " ");
}
