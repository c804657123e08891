import { writeFile } from "node:fs/promises";
import { table } from "#cli/terminal/table.ts";
import { type CommitTrace, measureModes, WAYS } from "./modes.bench.ts";

/** Prints what each mode came to on the demo set, and writes the commits of `fast` to a file where there is one. */
export async function reportModes(steps: number, file: string | undefined): Promise<void> {
  const { figures, traces } = await measureModes(WAYS, steps, (words) =>
    process.stderr.write(`${words}\n`),
  );
  const percent = (share: number): string => (share * 100).toFixed(1);
  const head = [
    "MODE",
    "SCORE",
    "LISTS",
    "SAME",
    "SAME TOKENS",
    "SAME LISTS",
    "PASSES",
    "REFRESHES",
  ];
  const cells = figures.map((one) => [
    one.name,
    ...[one.score, one.listScore, one.sameAnswers, one.sameTokens, one.sameLists].map(percent),
    ...[one.passes, one.refreshes].map((count) => count.toFixed(2)),
    one.rows.toFixed(0),
    one.milliseconds.toFixed(1),
  ]);
  console.log(table([...head, "ROWS", "MS"], cells));
  if (file !== undefined) await writeFile(file, tracesText(steps, traces));
}

/** One answer a line, each step as its commits, the first letter of the reason, and ! where the prompt was computed anew. */
function tracesText(steps: number, traces: readonly CommitTrace[]): string {
  const lines = traces.map(({ id, steps: taken }) => {
    const told = taken.map(
      ({ commits, reason = "schedule", refreshed }) =>
        `${commits}${reason === "early" ? "x" : reason.charAt(0)}${refreshed ? "!" : ""}`,
    );
    return `    ${JSON.stringify(id)}: ${JSON.stringify(told.join(" "))}`;
  });
  return `{\n  "mode": "fast",\n  "canvas": 32,\n  "steps": ${steps},\n  "answers": {\n${lines.join(",\n")}\n  }\n}\n`;
}
