import { printable } from "../../../terminal/printable.ts";

/** Text that is markup already; everything else is escaped where it is put in. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Filling = string | number | Markup | readonly Markup[];

/**
 * Writes markup. What is filled in is text, whatever it looks like, and stays within its element and attribute: models write what
 * they like, and test sets too.
 */
export function html(texts: TemplateStringsArray, ...fillings: readonly Filling[]): Markup {
  const written = texts.map((text, index) => {
    const filling = index === 0 ? "" : fillings[index - 1];
    return `${filling === undefined ? "" : writtenOf(filling)}${text}`;
  });
  return new Markup(written.join(""));
}

function writtenOf(filling: Filling): string {
  if (filling instanceof Markup) return filling.text;
  if (typeof filling === "object") return filling.map(({ text }) => text).join("");
  return escaped(String(filling));
}

const MARKS: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Source: WHATWG HTML, "Escaping a string", and the apostrophe; control characters, which HTML forbids, become U+FFFD. */
function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (mark) => MARKS[mark] ?? mark);
}

/** Writes a share as an SVG length: plots are as wide as their page, and letters in them as large as the page's. */
export function share(value: number): string {
  return `${(Math.min(1, Math.max(0, value)) * 100).toFixed(3)}%`;
}
