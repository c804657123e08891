import { html, type Markup, share } from "./markup.ts";

/** Colours of columns; more of them begin anew. */
const SERIES = 8;

/** The class of a column's colour, by its place. */
function seriesClass(place: number): string {
  return `s${place % SERIES}`;
}

/** Half of a mark's size, in pixels. */
const HALF = 5;

/** The mark of a column, by its place, at a share of the width: told apart by form as by colour. */
export function mark(place: number, x: number, y: number, title: string): Markup {
  // Where the colours begin anew, the forms are others.
  const shape = shapes[(place + Math.floor(place / SERIES)) % shapes.length] ?? circle;
  return html`<svg class="mark ${seriesClass(place)}" x="${share(x)}" y="${y}" overflow="visible"><title>${title}</title>${shape()}</svg>`;
}

function circle(): Markup {
  return html`<circle r="${HALF}" />`;
}

const shapes: readonly (() => Markup)[] = [
  circle,
  () => html`<rect x="${-HALF}" y="${-HALF}" width="${2 * HALF}" height="${2 * HALF}" rx="1" />`,
  () => html`<path d="M0 -6.5 L6.5 0 L0 6.5 L-6.5 0 Z" />`,
  () => html`<path d="M0 -6 L6 5 L-6 5 Z" />`,
];

/** A column's name and its place, which gives it its mark. */
export interface Named {
  readonly name: string;
  readonly place: number;
}

/** What column has which mark. */
function legend(names: readonly Named[]): Markup {
  const items = names.map(({ name, place }) => html`<li>${swatch(place)}<bdi>${name}</bdi></li>`);
  return html`<ul class="legend">${items}</ul>`;
}

/** Quarters of a scale from nothing to all. */
export const PERCENTS: readonly { readonly at: number; readonly label: string }[] = [
  0, 0.25, 0.5, 0.75, 1,
].map((at) => ({ at, label: `${at * 100} %` }));

/** Pixels of a plot with an axis upwards. */
export const TOP = 24;
export const BOTTOM = 244;

/** Height of a value on an axis from nothing to `most`. */
export function heightOf(value: number, most: number): number {
  return BOTTOM - (value / most) * (BOTTOM - TOP);
}

/** A column's mark, to stand before its name. */
export function swatch(place: number): Markup {
  return html`<svg class="swatch" width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">${mark(place, 0, 0, "")}</svg>`;
}

/** A line between two shares of the width. */
export function stroke(
  place: number,
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  kind = "whisker",
): Markup {
  return html`<line class="${kind} ${seriesClass(place)}" x1="${share(x1)}" y1="${y1.toFixed(1)}" x2="${share(x2)}" y2="${y2.toFixed(1)}" />`;
}

/** A drawing with a caption, as wide as there is room; `height` in pixels. */
export function figure(
  { title, words, height, names }: FigureHead,
  content: readonly Markup[],
): Markup {
  return html`<figure><figcaption><h2>${title}</h2><p>${words}</p></figcaption>${names.length > 1 ? legend(names) : html``}<svg class="plot" role="img" aria-label="${title}" height="${height}"><svg x="2%" width="96%" overflow="visible">${content}</svg></svg></figure>`;
}

export interface FigureHead {
  readonly title: string;
  readonly words: string;
  readonly height: number;
  /** Of its columns; of one alone no legend is drawn. */
  readonly names: readonly Named[];
}

/** Vertical lines at shares of the width, with what they stand for below. */
export function verticals(
  ticks: readonly { readonly at: number; readonly label: string }[],
  [top, bottom]: readonly [number, number],
): readonly Markup[] {
  return ticks.map(
    ({ at, label }) =>
      html`<line class="grid" x1="${share(at)}" x2="${share(at)}" y1="${top}" y2="${bottom}" /><text class="tick" x="${share(at)}" y="${bottom + 16}" text-anchor="${anchorOf(at)}">${label}</text>`,
  );
}

/** Horizontal lines at heights, with what they stand for above their left end. */
export function horizontals(
  ticks: readonly { readonly y: number; readonly label: string }[],
): readonly Markup[] {
  return ticks.map(
    ({ y, label }) =>
      html`<line class="grid" x1="0" x2="100%" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" /><text class="tick" x="0" y="${(y - 4).toFixed(1)}">${label}</text>`,
  );
}

/** Letters at either end stay within the drawing. */
function anchorOf(at: number): string {
  return at < 0.05 ? "start" : at > 0.95 ? "end" : "middle";
}
