import { readFileSync, writeFileSync } from "node:fs";
import type { FieldType } from "#domain/fields.ts";
import type { ReadCard, Temperatures } from "#domain/read-style.ts";
import { loadKernels } from "#inference/runtime/kernels.ts";
import { hostOfBundle } from "../../support/bundle-host.ts";
import { markdownOf, type Table } from "../fleet-report.ts";
import { TASKS, type Task } from "./asked-fields.ts";
import { type Curve, curvesOf } from "./curves.ts";
import {
  decliningAt,
  fitTemperature,
  guessesOf,
  noneFigures,
  type Quality,
  qualityOf,
} from "./judging.ts";
import { ScoreReader } from "./read-scores.ts";
import { readSet, type SetField, type Way } from "./read-set.ts";
import { measureSpeed, type ReadSpeed } from "./read-speed.ts";

const FOLDER = "infra/demo-model/photographs";
const CARD = `${FOLDER}/read.json`;
const PAGE = "infra/docs/reading-quality.md";
const PLOT = "infra/docs/pictures/reading-risk.svg";
const TYPES = ["boolean", "choice", "number"] as const satisfies readonly FieldType[];
const RAW = { temperature: 1, neutral: false };

/** What a set came to in one way, its temperatures fitted on one half of the pictures and judged on the other. */
interface Judged {
  readonly way: Way;
  readonly judged: readonly SetField[];
  readonly temperatures: Temperatures;
}

/** Reads the demo set, prints what it came to, and with `isWritten` puts that into the page and the temperatures into the model's card. */
export async function reportReading(file: string | undefined, isWritten: boolean): Promise<void> {
  const host = await hostOfBundle(`${FOLDER}/bundle`, "unmask-demo", { threads: 1 });
  try {
    const model = await host.described(new AbortController().signal);
    const { resize } = await loadKernels();
    const sentence = model.card.read?.style ?? { style: "lines" };
    const lines = { style: "lines" } as const;
    const ways: readonly Way[] = [
      { name: "sentence", style: sentence, together: 1 },
      { name: "lines, one field", style: lines, together: 1 },
      { name: "lines, 8 fields", style: lines, together: 8 },
    ];
    const found: Judged[] = [];
    for (const way of ways) {
      const set = await readSet({ model, resize }, way, file, (done, all) => {
        if (done % 100 === 0) process.stderr.write(`${way.name}: ${done} of ${all}\n`);
      });
      found.push(judgedOf(way, set));
    }
    const speeds: ReadSpeed[] = [];
    for (const style of [sentence, lines]) {
      const reader = new ScoreReader(model, resize, style);
      speeds.push(...(await measureSpeed(reader, style.style, "000.png")));
    }
    tell(found, speeds, isWritten);
  } finally {
    await host.dispose();
  }
}

function judgedOf(way: Way, set: readonly SetField[]): Judged {
  const fitted = set.filter(({ isFitted }) => isFitted);
  const temperatures = Object.fromEntries(
    TYPES.map((type) => [type, fitTemperature(ofType(fitted, type), false)]),
  );
  return { way, judged: set.filter(({ isFitted }) => !isFitted), temperatures };
}

function tell(found: readonly Judged[], speeds: readonly ReadSpeed[], isWritten: boolean): void {
  const tables = [
    qualityTable(found),
    calibrationTable(found),
    ...found.slice(0, 1).flatMap((one) => [taskTable(one), decliningTable(one)]),
    noneTable(found),
    speedTable(speeds),
  ];
  for (const { title, head, rows } of tables) {
    console.log(`\n${title}`);
    for (const row of [head, ...rows]) console.log(row.map((cell) => cell.padEnd(16)).join(" "));
  }
  if (isWritten) write(tables, found);
}

function write(tables: readonly Table[], found: readonly Judged[]): void {
  const between = /(<!-- reading: begin -->\n).*(<!-- reading: end -->)/s;
  const page = readFileSync(PAGE, "utf8");
  if (!between.test(page)) throw new Error(`${PAGE} has no place for the tables`);
  writeFileSync(PAGE, page.replace(between, `$1\n${tables.map(markdownOf).join("\n")}$2`));
  writeFileSync(PLOT, curvesOf("Wrong values against the share of fields answered", curves(found)));
  const card = JSON.parse(readFileSync(CARD, "utf8")) as ReadCard;
  const { temperatures = {} } = found[0] ?? {};
  writeFileSync(CARD, `${JSON.stringify({ ...card, temperatures }, null, 2)}\n`);
}

function qualityTable(found: readonly Judged[]): Table {
  const rows = found.flatMap(({ way, judged }) =>
    TYPES.map((type) => {
      const one = qualityOf(ofType(judged, type), RAW);
      const withNeutral = qualityOf(ofType(judged, type), { ...RAW, neutral: true });
      return [
        ...[way.name, type, String(one.fields), percentOf(one)],
        ...one.surest.map(percent),
        ...[(100 * one.aurc).toFixed(2), percentOf(withNeutral)],
      ];
    }),
  );
  return {
    title: "Right values, and of the surest of them",
    head: [
      ...["style", "type", "fields", "right", "surest 50 %", "80 %", "90 %", "mean risk, %"],
      "right, grey picture taken off",
    ],
    rows,
  };
}

function calibrationTable(found: readonly Judged[]): Table {
  const rows = found.flatMap(({ way, judged, temperatures }) =>
    TYPES.map((type) => {
      const own = ofType(judged, type);
      const temperature = temperatures[type] ?? 1;
      const [before, after] = [RAW, { temperature, neutral: false }].map((corrections) =>
        qualityOf(own, corrections),
      );
      return [
        ...[way.name, type, temperature.toFixed(2)],
        ...[before, after].map((one) => (100 * (one?.ece ?? 0)).toFixed(1)),
        ...[before, after].map((one) => (one?.brier ?? 0).toFixed(3)),
      ];
    }),
  );
  return {
    title: "Honesty of the probabilities, before and after the temperature",
    head: [
      "style",
      "type",
      "temperature",
      "ECE before, %",
      "ECE after, %",
      "Brier before",
      "after",
    ],
    rows,
  };
}

function taskTable({ judged, way }: Judged): Table {
  const rows = [...Map.groupBy(judged, ({ task }) => task)]
    .toSorted(([a], [b]) => order(a) - order(b))
    .map(([task, own]) => {
      const one = qualityOf(own, RAW);
      return [task, TASKS[task], String(one.fields), percentOf(one)];
    });
  return { title: `What is asked, ${way.name}`, head: ["", "type", "fields", "right"], rows };
}

function order(task: Task): number {
  return Object.keys(TASKS).indexOf(task);
}

function decliningTable({ judged, temperatures, way }: Judged): Table {
  const rows = TYPES.flatMap((type) => {
    const corrections = { temperature: temperatures[type] ?? 1, neutral: false };
    const guesses = guessesOf(ofType(judged, type), corrections);
    return [0.5, 0.7, 0.9, 0.99].map((below) => {
      const one = decliningAt(guesses, below);
      const isWithout = guesses.every(({ isRight }) => isRight);
      const wrong = isWithout ? "none is wrong" : percent(one.wrongWithheld);
      return [type, String(below), percent(one.rightWithheld), wrong];
    });
  });
  return {
    title: `What abstain_below withholds, ${way.name}`,
    head: ["type", "abstain_below", "of right values (false abstention)", "of wrong values"],
    rows,
  };
}

function noneTable(found: readonly Judged[]): Table {
  const rows = found.map(({ way, judged }) => {
    const one = noneFigures(judged, RAW);
    return [
      ...[way.name, String(one.shown), percent(one.shownDeclined)],
      ...[String(one.absent), percent(one.absentDeclined)],
    ];
  });
  return {
    title: "What none declines",
    head: ["style", "shown", "declined (false abstention)", "not shown", "declined"],
    rows,
  };
}

function speedTable(speeds: readonly ReadSpeed[]): Table {
  const rows = speeds.map(({ style, fields, passes, wallMs, processorMs }) => [
    ...[style, String(fields), String(passes)],
    ...[wallMs.toFixed(1), processorMs.toFixed(1), (processorMs / fields).toFixed(2)],
  ]);
  return {
    title: "What booleans of one picture take",
    head: ["style", "fields", "passes", "ms", "processor ms", "processor ms a field"],
    rows,
  };
}

function curves(found: readonly Judged[]): readonly Curve[] {
  return found.slice(0, 2).flatMap(({ way, judged }, index) =>
    TYPES.map((type): Curve => {
      const guesses = guessesOf(ofType(judged, type), RAW).toSorted(
        (a, b) => b.probability - a.probability,
      );
      let wrong = 0;
      const points = guesses.map(({ isRight }, place) => {
        if (!isRight) wrong += 1;
        return { x: (place + 1) / guesses.length, y: wrong / (place + 1) };
      });
      return { name: `${way.style.style}: ${type}`, points, isDashed: index > 0 };
    }),
  );
}

function ofType(fields: readonly SetField[], type: FieldType): readonly SetField[] {
  return fields.filter((field) => field.type === type);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function percentOf({ accuracy, interval: [low, high] }: Quality): string {
  return `${percent(accuracy)} (${(100 * low).toFixed(0)}–${(100 * high).toFixed(0)})`;
}
