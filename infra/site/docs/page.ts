/** One page of the documentation: what its HTML and its Markdown twin are both made from. */
export interface DocsPage {
  /** Where it is served: `/docs/quickstarts/ask`. Its twin lies at the same address with `.md`. */
  readonly path: string;
  readonly title: string;
  /** One sentence or two, without markup: what `llms.txt`, the search and search engines are told. */
  readonly summary: string;
  /** The whole of it, from its heading on. Links are relative to `source`, or begin with `/`. */
  readonly markdown: string;
  /** The document of the repository that it is; absent for pages that are made from code. */
  readonly source?: string;
}

/** Pages that stand together in the contents. */
export interface DocsSection {
  readonly title: string;
  readonly pages: readonly DocsPage[];
  /** Groups of a section that is too long to be read as one list. */
  readonly groups?: readonly DocsGroup[];
}

export interface DocsGroup {
  readonly title: string;
  readonly pages: readonly DocsPage[];
}

/** Where a page's Markdown twin is served. */
export function twinOf(path: string): string {
  return `${path}.md`;
}

/** Makes a page of a document: its first heading is the title, its first paragraph the summary. */
export function documentPage(path: string, source: string, text: string): DocsPage {
  const markdown = text.replace(/\r\n/g, "\n").trim();
  const title = /^# (.+)$/m.exec(markdown)?.[1];
  if (title === undefined) throw new Error(`${source} has no first heading`);
  return { path, title: plain(title), summary: summaryOf(markdown), markdown, source };
}

/** The first paragraph of running text: what a page says of itself. Two sentences at most. */
function summaryOf(markdown: string): string {
  const prose = markdown.replace(/^```[\s\S]*?^```$/gm, "").replace(/<!--[\s\S]*?-->/g, "");
  const first = prose.split(/\n{2,}/).find((block) => /^(?:\*\*)?[\p{L}`"“]/u.test(block.trim()));
  const sentences = plain(first ?? "").match(/[\s\S]*?[.:](?= [A-Z]|$)/g) ?? [plain(first ?? "")];
  return sentences.slice(0, 2).join("").replace(/:$/, ".").trim();
}

/** Text without the marks of Markdown. */
export function plain(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\*\*|[`*]/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
