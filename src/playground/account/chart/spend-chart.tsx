import { useEffect, useRef, useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import { dayText, exactMoney, roundMoney } from "../data/amounts.ts";
import type { Spend } from "../data/spend.ts";
import { type Ink, type SpendBars, spendBars } from "./bars.ts";

export interface SpendChartProps {
  readonly spend: Spend;
  /** What a key is called. */
  readonly nameOf: (key: string | null) => string;
}

/** Spend by day, a colour a key; the same as a table for those who do not see it, or want the numbers. */
export function SpendChart({ spend, nameOf }: SpendChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLUListElement>(null);
  const bars = useRef<SpendBars | null>(null);
  const [day, setDay] = useState<number | null>(null);
  useEffect(() => {
    const box = place.current;
    const colours = legend.current;
    if (box === null || colours === null) return;
    bars.current ??= spendBars(box, setDay);
    let width = 0;
    const draw = (): void => {
      width = box.clientWidth;
      if (width > 0) bars.current?.draw(spend, inkOf(box, colours), width);
    };
    draw();
    const resized = new ResizeObserver(() => {
      if (box.clientWidth !== width) draw();
    });
    resized.observe(box);
    // The button in the header, or the system: either changes what colours mean.
    const themed = new MutationObserver(draw);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      themed.disconnect();
      dark.removeEventListener("change", draw);
    };
  }, [spend]);
  useEffect(() => () => bars.current?.remove(), []);
  return (
    <figure class="chart">
      <ul class="legend" ref={legend}>
        {spend.keys.map(({ key, total }, index) => (
          <li>
            <i class={`ink ink-${index}`} aria-hidden="true" />
            {nameOf(key)} <span class="fine">{roundMoney(total)}</span>
          </li>
        ))}
      </ul>
      <div class="bars-of-days" ref={place} aria-hidden="true" />
      <figcaption class="fine" aria-hidden="true">
        {day === null ? captionOf(spend) : dayLine(spend, day, nameOf)}
      </figcaption>
      <SpendTable {...{ spend, nameOf }} />
    </figure>
  );
}

function captionOf({ days, total }: Spend): string {
  return `${roundMoney(total)} in ${days.length} days. Days are those of UTC; seconds behind the ledger.`;
}

function dayLine(
  { days, keys, perDay }: Spend,
  index: number,
  nameOf: SpendChartProps["nameOf"],
): string {
  const parts = keys
    .filter((spent) => (spent.perDay[index] ?? 0) > 0)
    .map((spent) => `${nameOf(spent.key)} ${exactMoney(spent.perDay[index] ?? 0)}`);
  const of = parts.length > 1 ? `: ${parts.join(", ")}` : "";
  return `${dayText(days[index] ?? "")}, ${exactMoney(perDay[index] ?? 0)}${of}`;
}

/** The chart's numbers, latest day first; days on which nothing was spent are left out. */
function SpendTable({ spend, nameOf }: SpendChartProps): JSX.Element {
  const { days, keys, perDay, total } = spend;
  const spent = days
    .map((day, index) => ({ day, index }))
    .filter(({ index }) => (perDay[index] ?? 0) > 0)
    .reverse();
  return (
    <details>
      <summary>The same as a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no pointer scrolls it with the keys (WCAG 2.1.1). */}
      <section class="scrolls" tabIndex={0} aria-label="Spend, as a table">
        <table>
          <caption class="unseen">Spend by day and key, {days.length} days</caption>
          <thead>
            <tr>
              <th scope="col">Day</th>
              {keys.map(({ key }) => (
                <th scope="col" class="number">
                  {nameOf(key)}
                </th>
              ))}
              <th scope="col" class="number">
                Together
              </th>
            </tr>
          </thead>
          <tbody>
            {spent.map(({ day, index }) => (
              <tr>
                <th scope="row">{dayText(day)}</th>
                {keys.map((key) => (
                  <td class="number">{exactMoney(key.perDay[index] ?? 0)}</td>
                ))}
                <td class="number">{exactMoney(perDay[index] ?? 0)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">Together</th>
              {keys.map((key) => (
                <td class="number">{exactMoney(key.total)}</td>
              ))}
              <td class="number">{exactMoney(total)}</td>
            </tr>
          </tfoot>
        </table>
      </section>
    </details>
  );
}

/** Colours as the browser has computed them: a canvas knows no variables. */
function inkOf(box: HTMLElement, legend: HTMLElement): Ink {
  const {
    borderTopColor: line,
    color: text,
    backgroundColor: card,
    fontFamily,
  } = getComputedStyle(box);
  const keys = [...legend.querySelectorAll(".ink")].map(
    (ink) => getComputedStyle(ink).backgroundColor,
  );
  return { line, text, card, keys, font: `12px ${fontFamily}` };
}
