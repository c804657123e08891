import { readFileSync } from "node:fs";

export const PAGE = "infra/docs/deploy.md";
export const readPage = (): string => readFileSync(PAGE, "utf8");

/** The commands that a page prints, a line each; variables that a person has exported are put in. */
export function commandsOn(page: string): readonly string[] {
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);
  return blocks.flatMap((text) => text.trim().split("\n"));
}

/** What a page says that a command printed: the block behind `<!-- printed: NAME -->`. */
export function printedOn(page: string, name: string): string {
  const [, text] = blockOf(name).exec(page) ?? [];
  if (text === undefined) throw new Error(`${PAGE} prints no ${name}`);
  return text;
}

export function withPrinted(page: string, name: string, text: string): string {
  return page.replace(
    blockOf(name),
    () => `<!-- printed: ${name} -->\n\`\`\`text\n${text.trimEnd()}\n\`\`\``,
  );
}

/** Where something stands in wrangler.toml is another line with each edit above it: the page says LINE. */
export function withoutLines(text: string): string {
  return text.replaceAll(/(?<=wrangler\.toml:)\d+/g, "LINE");
}

function blockOf(name: string): RegExp {
  return new RegExp(`<!-- printed: ${name} -->\\n\`\`\`text\\n([\\s\\S]*?)\\n\`\`\``);
}

/** Without what differs from run to run and from machine to machine: the version's digest, the processors, and figures. */
export function withoutFigures(text: string): string {
  return text
    .replace(/^\d+ × .*\n/, "")
    .replaceAll(/(?<=\d-)[0-9a-f]{12}|\d+\.\d+/g, "…")
    .replaceAll(/\d+/g, "…")
    .replaceAll(/ {2,}/g, "  ");
}
