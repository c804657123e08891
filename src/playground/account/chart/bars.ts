import uPlot from "uplot";
import { roundMoney } from "../data/amounts.ts";
import { type Spend, stacked } from "../data/spend.ts";

/** What the chart is drawn in: CSS colours, resolved for the light or the dark page. */
export interface Ink {
  readonly line: string;
  readonly text: string;
  readonly card: string;
  /** One for each key, from the ground up. */
  readonly keys: readonly string[];
  readonly font: string;
}

export interface SpendBars {
  draw(spend: Spend, ink: Ink, width: number): void;
  remove(): void;
}

const HEIGHT = 240;
const NARROW = 420;

/** Draws stacked bars into `place`; tells which day the pointer is over, null when over none. */
export function spendBars(place: HTMLElement, onDay: (index: number | null) => void): SpendBars {
  let plot: uPlot | null = null;
  return {
    draw(spend, ink, width) {
      plot?.destroy();
      plot = new uPlot(optionsOf(spend, ink, width, onDay), dataOf(spend), place);
    },
    remove() {
      plot?.destroy();
      plot = null;
    },
  };
}

/** Highest first, so that each lower bar covers the part of the one behind it that is not its own. */
function dataOf(spend: Spend): uPlot.AlignedData {
  const heights = stacked(spend).map((tops) => tops.map((micros) => micros / 1e6));
  return [spend.days.map((_, index) => index), ...heights.reverse()];
}

function optionsOf(
  spend: Spend,
  ink: Ink,
  width: number,
  onDay: (index: number | null) => void,
): uPlot.Options {
  const axis = { stroke: ink.text, font: ink.font, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    padding: [12, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { setScale: false, x: false, y: false } },
    hooks: { setCursor: [({ cursor }) => onDay(cursor.idx ?? null)] },
    scales: {
      x: { time: false, range: () => [-0.6, spend.days.length - 0.4] },
      // A chart of nothing still has a ground.
      y: { range: (_, _low, high) => [0, high > 0 ? high * 1.08 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 32,
        grid: { show: false },
        splits: () => daySplits(spend.days.length, width < NARROW ? 3 : 6),
        values: (_, splits) => splits.map((index) => shortDay(spend.days[index])),
      },
      {
        ...axis,
        size: 64,
        space: 44,
        grid: { stroke: ink.line, width: 1 },
        values: (_, splits) => splits.map((dollars) => roundMoney(Math.round(dollars * 1e6))),
      },
    ],
    series: [
      {},
      ...spend.keys
        .map((_, index) => ({
          fill: ink.keys[index] ?? ink.text,
          // In the colour of the paper: a line between two keys that no colour-blind eye needs to guess.
          stroke: ink.card,
          width: 1,
          points: { show: false },
          paths: uPlot.paths.bars?.({ size: [0.72, 34], radius: 0.08 }) ?? (() => null),
        }))
        .reverse(),
    ],
  };
}

/** Whole days, evenly, the last one among them. */
function daySplits(days: number, count: number): number[] {
  const each = Math.max(1, Math.round(days / count));
  const splits: number[] = [];
  for (let index = days - 1; index >= 0; index -= each) splits.unshift(index);
  return splits;
}

const format = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  timeZone: "UTC",
});

function shortDay(day: string | undefined): string {
  return day === undefined ? "" : format.format(new Date(`${day}T00:00:00Z`));
}
