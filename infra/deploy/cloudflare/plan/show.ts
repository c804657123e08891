import type { Placeholder } from "../config/placeholders.ts";
import type { Plan, Step } from "./plan.ts";

/** Colours for a terminal; for anything else the words alone. */
export function paint(isTerminal: boolean): (code: 1 | 2 | 31 | 32 | 33, text: string) => string {
  return (code, text) => (isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text);
}

const WORDS: Readonly<Record<Step["state"], readonly [32 | 33 | 2, string]>> = {
  there: [32, "there     "],
  do: [33, "to do     "],
  look: [2, "would look"],
};

/** Writes a plan for people. */
export function showPlan({ worker, steps }: Plan, isTerminal: boolean): string {
  const color = paint(isTerminal);
  const width = Math.max(...steps.map(({ kind, name }) => kind.length + name.length + 1));
  const lines = steps.map(({ state, kind, name, says }) => {
    const [code, word] = WORDS[state];
    return `  ${color(code, word)}  ${`${kind} ${name}`.padEnd(width)}  ${color(2, says)}`;
  });
  return `${color(1, worker)}\n${lines.join("\n")}\n`;
}

/** Writes what is to be filled in, all at once. */
export function showPlaceholders(found: readonly Placeholder[]): string {
  const lines = found.map(({ where, says }) => `  ${where}  ${says}\n`);
  return `wrangler.toml is not filled in, and nothing was touched:\n${lines.join("")}`;
}
