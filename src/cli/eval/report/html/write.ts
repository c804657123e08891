import { writeFile } from "node:fs/promises";
import { thumbnail } from "#inference/thumbnail.ts";
import { UsageError } from "../../../command.ts";
import { pictureBytes } from "../../answering/picture-bytes.ts";
import type { TestSet } from "../../files/test-set.ts";
import type { Result } from "../../results.ts";
import { coverageCurve } from "../../scoring/statistics.ts";
import { type ColumnResults, isTrusted, type Report } from "../report.ts";
import type { Card } from "./cards.ts";
import { type Disagreement, differencesOf, readDisagreements } from "./disagreements.ts";
import { reportPage } from "./page.ts";

/** Questions that are shown: at some ten kilobytes each the page stays one that opens at once. */
const MAX_SHOWN = 96;

/** Pixels of a picture's longer side: a card's column at two dots a pixel. */
const EDGE = 256;

/** Points of a curve: more than a screen tells apart are not drawn. */
const MAX_POINTS = 120;

export interface HtmlReport {
  readonly report: Report;
  readonly columns: readonly ColumnResults[];
  readonly testSet: TestSet;
  readonly results: AsyncIterable<Result>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Writes the report as one page. Throws UsageError where the file cannot be written. */
export async function writeHtml(
  file: string,
  { report, columns, testSet, results, now }: HtmlReport,
): Promise<void> {
  // In the order of the report, and without columns that were never asked.
  const shown = report.columns.flatMap(({ column }) =>
    columns.filter((one) => one.column.name === column),
  );
  const differences = differencesOf(shown, MAX_SHOWN);
  const cards: Card[] = [];
  for (const disagreement of await readDisagreements(differences, shown, testSet, results))
    cards.push(await withThumbnails(disagreement));
  const page = reportPage({
    report,
    day: new Date(now).toISOString().slice(0, 10),
    differences,
    cards,
    curves: shown.map(curveOf),
  });
  await writeFile(file, page).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`${file} cannot be written (${cause.code})`, { cause });
  });
}

async function withThumbnails(disagreement: Disagreement): Promise<Card> {
  const thumbnails = [];
  for (const picture of disagreement.question.pictures)
    thumbnails.push(await thumbnail(await pictureBytes(picture), EDGE));
  return { ...disagreement, thumbnails };
}

function curveOf({ results }: ColumnResults): readonly number[] | undefined {
  const there = results.filter((result) => result !== undefined);
  const trusted = there.filter(isTrusted);
  if (
    trusted.length === 0 ||
    there.some(({ error, confidence }) => error === null && confidence === null)
  )
    return undefined;
  const curve = coverageCurve(trusted);
  if (curve.length <= MAX_POINTS) return curve;
  return Array.from(
    { length: MAX_POINTS },
    (_, index) => curve[Math.ceil(((index + 1) / MAX_POINTS) * curve.length) - 1] ?? 0,
  );
}
