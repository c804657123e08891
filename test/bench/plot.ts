/** A line of a plot, its points from left to right. */
export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
}

const [WIDTH, HEIGHT] = [720, 400];
const [LEFT, RIGHT, TOP, BOTTOM] = [80, 150, 40, 50];

/** Told apart by people who see few colours, and on white and black. Source: Okabe and Ito, Color Universal Design (2008). */
const COLOURS = ["#d55e00", "#e69f00", "#0072b2", "#009e73"];

/** Draws lines over an even scale across and one of powers of ten upwards, as SVG. */
export function plotOf({ title, x, y, lines }: Plot): string {
  const points = lines.flatMap((line) => line.points);
  const [fromX, toX] = [
    Math.min(...points.map((one) => one.x)),
    Math.max(...points.map((one) => one.x)),
  ];
  const fromY = Math.floor(Math.log10(Math.min(...points.map((one) => one.y))));
  const toY = Math.ceil(Math.log10(Math.max(...points.map((one) => one.y))));
  const across = (value: number): number =>
    LEFT + ((value - fromX) / (toX - fromX)) * (WIDTH - LEFT - RIGHT);
  const up = (value: number): number =>
    HEIGHT - BOTTOM - ((Math.log10(value) - fromY) / (toY - fromY)) * (HEIGHT - TOP - BOTTOM);
  const powers = Array.from({ length: toY - fromY + 1 }, (_, place) => 10 ** (fromY + place));
  const marks = [...new Set(points.map((one) => one.x))];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}" font-family="system-ui, sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="22" font-size="14" font-weight="600">${title}</text>
${powers.map((power) => `<path d="M${LEFT} ${up(power).toFixed(1)}H${WIDTH - RIGHT}" stroke="#ddd"/><text x="${LEFT - 8}" y="${(up(power) + 4).toFixed(1)}" text-anchor="end">${power.toLocaleString("en")}</text>`).join("\n")}
${marks.map((mark) => `<text x="${across(mark).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${mark}</text>`).join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">${x}</text>
<text transform="translate(16 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${y}</text>
${lines
  .map(({ name, points: own }, place) =>
    lineOf(
      name,
      own.map((one) => [across(one.x), up(one.y)] as const),
      COLOURS[place] ?? "#000",
    ),
  )
  .join("\n")}
</svg>
`;
}

function lineOf(
  name: string,
  points: readonly (readonly [number, number])[],
  colour: string,
): string {
  const path = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  const [endX = 0, endY = 0] = points.at(-1) ?? [];
  return `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="2.5"/><text x="${(endX + 8).toFixed(1)}" y="${(endY + 4).toFixed(1)}" fill="${colour}">${name}</text>`;
}
