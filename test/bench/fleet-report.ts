import { readFileSync, writeFileSync } from "node:fs";
import type { Figures } from "../fleet/simulation/figures.ts";
import { foresee } from "../fleet/simulation/oracle.ts";
import { AS_DECIDED, type SimulationTerms, simulate } from "../fleet/simulation/simulate.ts";
import { type World, type WorldTerms, worldOf } from "../fleet/simulation/world.ts";
import { type Line, plotOf } from "./plot.ts";

/** A table as it is printed, and as it stands in `infra/docs/fleet-simulation.md`. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const PAGE = "infra/docs/fleet-simulation.md";
const PLOT = "infra/docs/pictures/fleet-wait.svg";

/** Twenty machines, 80 % of what they can do. */
const STEADY: WorldTerms = {
  ...{ seed: 1, functions: 20, answers: 20_000, load: 0.8, regions: 2 },
  ...{ hasBursts: false, diesEveryMs: null, losesRegion: false },
};

/** What a fleet has to stand: bursts, and each machine dies every ten minutes. */
const HARD: WorldTerms = { ...STEADY, hasBursts: true, diesEveryMs: 600_000 };

const RANDOM: Partial<SimulationTerms> = { compared: { near: 1, far: 0 } };
const ALL: Partial<SimulationTerms> = { compared: { near: 20, far: 20 } };

/** Simulates fleets in virtual time, table by table; the last thing is the plot. `seconds` of processor time: about a minute. */
export function* fleetReport(): Generator<Table, string, undefined> {
  yield worlds();
  yield policies();
  yield ages();
  yield sizes();
  return plot();
}

/** Writes tables and plot into the page that shows them. */
export function writeFleetPage(tables: readonly Table[], svg: string): void {
  const between = /(<!-- fleet: begin -->\n).*(<!-- fleet: end -->)/s;
  const page = readFileSync(PAGE, "utf8");
  if (!between.test(page)) throw new Error(`${PAGE} has no place for the tables`);
  writeFileSync(PAGE, page.replace(between, `$1\n${tables.map(markdownOf).join("\n")}$2`));
  writeFileSync(PLOT, svg);
}

const HEAD = [
  "wait, median",
  "99 of 100",
  "to the end, mean",
  "use",
  "refused",
  "failed",
  "starvation",
  "messages",
];

function worlds(): Table {
  const kinds: Readonly<Record<string, WorldTerms>> = {
    steady: STEADY,
    bursts: { ...STEADY, hasBursts: true },
    "bursts, machines die": HARD,
    "a region is cut off": { ...STEADY, losesRegion: true },
  };
  const rows = Object.entries(kinds).flatMap(([name, terms]) => {
    const world = worldOf(terms);
    return [
      [name, "oracle", ...cells(foresee(world))],
      ["", "as decided", ...cells(asDecided(world))],
      ["", "at random", ...cells(asDecided(world, RANDOM))],
    ];
  });
  return { title: "20 functions, 80 % load, 20,000 answers", head: ["world", "", ...HEAD], rows };
}

function policies(): Table {
  const world = worldOf(HARD);
  const ways: Readonly<Record<string, Partial<SimulationTerms>>> = {
    "1, at random": RANDOM,
    "2 near, 1 far": {},
    "3 near, 1 far": { compared: { near: 3, far: 1 } },
    "4 near, 2 far": { compared: { near: 4, far: 2 } },
    "all that there are": ALL,
    "2 near, 1 far; what was sent is forgotten": { remembersSent: false },
    "2 near, 1 far; replies tell the load": { hearsReplies: true },
  };
  const rows = Object.entries(ways).flatMap(([name, way]) =>
    [1, 16, 256].map((dispatchers) => [
      name,
      String(dispatchers),
      ...cells(asDecided(world, { ...way, dispatchers })),
    ]),
  );
  return {
    title: "How many are compared; bursts, machines die",
    head: ["compared", "places of dispatch", ...HEAD],
    rows,
  };
}

function ages(): Table {
  const world = worldOf(HARD);
  const seconds = [1, 2, 5];
  const rows = seconds.flatMap((beat) =>
    seconds.map((age) => {
      const terms = { heartbeatMs: beat * 1000, snapshotMs: age * 1000, dispatchers: 64 };
      return [`${beat} s`, `${age} s`, ...cells(asDecided(world, terms))];
    }),
  );
  return {
    title: "How old what is known may be; 64 places of dispatch",
    head: ["heartbeat", "snapshot", ...HEAD],
    rows,
  };
}

function sizes(): Table {
  const rows = [1, 10, 100, 1000].map((functions) => {
    const answers = Math.max(10_000, functions * 40);
    const world = worldOf({ ...HARD, functions, answers, regions: functions === 1 ? 1 : 2 });
    const figures = asDecided(world, { dispatchers: Math.max(4, functions / 4) });
    const over = figures.utilisation / foresee(world).utilisation;
    return [
      String(functions),
      ...cells(figures),
      over.toFixed(3),
      `${figures.pickMicros.toFixed(0)} µs`,
    ];
  });
  return {
    title: "The size of the fleet; bursts, machines die",
    head: ["functions", ...HEAD, "use over the oracle's", "a pick"],
    rows,
  };
}

function plot(): string {
  const loads = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
  const waits = (of: (world: World) => Figures): Line["points"] =>
    loads.map((load) => {
      const world = worldOf({ ...STEADY, answers: 10_000, hasBursts: true, load });
      return { x: load * 100, y: Math.max(10, of(world).slowWaitMs) };
    });
  return plotOf({
    title: "Wait of the slowest hundredth over load",
    x: "load, % of what the machines can do",
    y: "milliseconds, 99 of 100 wait less",
    lines: [
      { name: "at random", points: waits((world) => asDecided(world, RANDOM)) },
      {
        name: "the least of all",
        points: waits((world) => asDecided(world, { ...ALL, dispatchers: 64 })),
      },
      { name: "the least of two", points: waits((world) => asDecided(world, { dispatchers: 64 })) },
      { name: "oracle", points: waits(foresee) },
    ],
  });
}

function asDecided(world: World, terms: Partial<SimulationTerms> = {}): Figures {
  return simulate(world, { ...AS_DECIDED, ...terms });
}

function cells(figures: Figures): readonly string[] {
  const { medianWaitMs, slowWaitMs, meanMs, utilisation, refusals, failed, starvation } = figures;
  const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;
  return [
    ...[medianWaitMs, slowWaitMs, meanMs].map(seconds),
    `${(utilisation * 100).toFixed(1)} %`,
    refusals.toFixed(3),
    String(failed),
    Number.isNaN(starvation) ? "–" : starvation.toFixed(2),
    figures.messages.toFixed(2),
  ];
}

export function markdownOf({ title, head, rows }: Table): string {
  const line = (cells_: readonly string[]): string => `| ${cells_.join(" | ")} |`;
  return [`### ${title}`, "", line(head), line(head.map(() => "---")), ...rows.map(line), ""].join(
    "\n",
  );
}
