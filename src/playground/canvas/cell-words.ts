import { type Cell, type Film, writtenIn } from "./film.ts";

/** As a share that never claims to be certain, nor impossible: 99.97 % is not 100 %. */
export function percent(share: number): string {
  const rounded = Math.round(share * 1000) / 10;
  if (rounded >= 100 && share < 1) return ">99.9 %";
  return rounded === 0 && share > 0 ? "<0.1 %" : `${rounded} %`;
}

/** What else a cell could have been, to be put behind what it is; empty where nobody told. */
export function elseText({ alternatives }: Pick<Cell, "alternatives">): string {
  const words = alternatives.map(
    ({ text, confidence }) => `${quoted(text)} ${percent(confidence)}`,
  );
  return words.length === 0 ? "" : `; else ${words.join(", ")}`;
}

/** What a step wrote, and what else that could have been, as a sentence. */
export function stepText(film: Film, step: number): string {
  if (step === 0) return "Before the first step: all masked.";
  const cells = writtenIn(film, step);
  if (cells.length === 0) return `Step ${step} wrote nothing that is part of the answer.`;
  const words = cells.map((cell) => {
    return `${quoted(cell.text)} (${percent(cell.confidence)} sure${elseText(cell)})`;
  });
  return `Step ${step} wrote ${words.join(", ")}.`;
}

function quoted(text: string): string {
  return text === "" ? "the end" : `“${text}”`;
}
