/** A curve of error rate over the share of fields that are answered, both 0 … 1. */
export interface Curve {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly isDashed: boolean;
}

const [WIDTH, HEIGHT] = [720, 360];
const [LEFT, RIGHT, TOP, BOTTOM] = [60, 190, 40, 50];

/** Told apart by people who see few colours, and on white and black. Source: Okabe and Ito, Color Universal Design (2008). */
const COLOURS = ["#d55e00", "#0072b2", "#009e73"];

/** Draws risk over coverage as SVG: dashed curves have the colours of the others, in their order. */
export function curvesOf(title: string, curves: readonly Curve[]): string {
  const across = (x: number): string => (LEFT + x * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const up = (y: number): string => (HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const shares = [0, 0.2, 0.4, 0.6, 0.8, 1];
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const grid = shares.flatMap((share) => [
    `<path d="M${LEFT} ${up(share)}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
    `<text x="${LEFT - 8}" y="${Number(up(share)) + 4}" text-anchor="end">${percent(share)}</text>`,
    `<text x="${across(share)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${percent(share)}</text>`,
  ]);
  const drawn = curves.flatMap(({ name, points, isDashed }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? "#000";
    const dash = isDashed ? ' stroke-dasharray="6 4"' : "";
    const path = points.map(({ x, y }) => `${across(x)} ${up(y)}`).join("L");
    const y = TOP + 10 + index * 22;
    const x = WIDTH - RIGHT + 16;
    return [
      `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`,
      `<path d="M${x} ${y}h24" stroke="${colour}" stroke-width="2"${dash}/>`,
      `<text x="${x + 32}" y="${y + 4}">${name}</text>`,
    ];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}" font-family="system-ui, sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="22" font-size="14" font-weight="600">${title}</text>
${[...grid, ...drawn].join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">share of fields answered, the surest first</text>
<text transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">wrong</text>
</svg>
`;
}
