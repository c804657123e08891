import MarkdownIt from "markdown-it";
import { escapeHtml } from "../shell.ts";
import { codeBlock, grouped, withOutputs, withoutComments } from "./code-blocks.ts";
import { fileAddress, type Links } from "./links.ts";
import type { DocsPage } from "./page.ts";

/** A heading that can be linked to. */
export interface Heading {
  readonly level: number;
  readonly id: string;
  readonly text: string;
}

export interface RenderedPage {
  readonly html: string;
  /** Below the title. */
  readonly headings: readonly Heading[];
  /** Files of the repository that it shows. */
  readonly files: readonly string[];
}

/** What routes and codes in running text lead to: `POST /v1/quotes` → its page. */
export type NamedPages = (code: string) => DocsPage | undefined;

type Markdown = InstanceType<typeof MarkdownIt>;
type Token = ReturnType<Markdown["parse"]>[number];

/** Renders a page's Markdown. Nothing stands inline that the site's policy forbids. */
export function renderMarkdown(page: DocsPage, links: Links, named: NamedPages): RenderedPage {
  const md = new MarkdownIt({ html: true });
  writeBlocks(md);
  writeNames(md, page, named);
  const text = withoutComments(withOutputs(page.markdown));
  const environment = {};
  const tokens = md.parse(text, environment);
  const headings = nameHeadings(tokens);
  const files = new Set<string>();
  for (const { children } of tokens) followLinks(children ?? [], page, links, files);
  const html = md.renderer.render(tokens, md.options, environment);
  return { html: grouped(html), headings, files: [...files] };
}

/** Blocks of code, and tables: wide ones scroll, also by keyboard, and stay tables where a style sheet stacks their cells. */
function writeBlocks({ renderer }: Markdown): void {
  renderer.rules["fence"] = (tokens, index) => {
    const { info = "", content = "" } = tokens[index] ?? {};
    return codeBlock(content.replace(/\n$/, ""), info.trim());
  };
  const roles = { thead: "rowgroup", tbody: "rowgroup", tr: "row", td: "cell" };
  for (const [tag, role] of Object.entries(roles))
    renderer.rules[`${tag}_open`] = () => `<${tag} role="${role}">`;
  // What heads no column is no header.
  const isHeader = (inline: Token | undefined): boolean => inline?.content !== "";
  renderer.rules["th_open"] = (tokens, index) =>
    isHeader(tokens[index + 1]) ? '<th role="columnheader">' : '<td role="cell">';
  renderer.rules["th_close"] = (tokens, index) => (isHeader(tokens[index - 1]) ? "</th>" : "</td>");
  renderer.rules["table_open"] = () => '<div class="table" tabindex="0"><table role="table">\n';
  renderer.rules["table_close"] = () => "</table></div>\n";
}

/** Routes and error codes that running text names in code lead to their pages. */
function writeNames({ renderer }: Markdown, page: DocsPage, named: NamedPages): void {
  renderer.rules["code_inline"] = (tokens, index) => {
    const code = tokens[index]?.content ?? "";
    const html = `<code>${escapeHtml(code)}</code>`;
    const last = tokens.slice(0, index).findLast(({ type }) => /^link_/.test(type));
    const target = last?.type === "link_open" ? undefined : named(code);
    return target === undefined || target.path === page.path
      ? html
      : `<a class="named" href="${target.path}">${html}</a>`;
  };
}

/** Gives headings the anchors that GitHub gives them. Returns those below the title. */
function nameHeadings(tokens: readonly Token[]): readonly Heading[] {
  const known = new Map<string, number>();
  return tokens.flatMap((token, index): readonly Heading[] => {
    if (token.type !== "heading_open") return [];
    const inline = tokens[index + 1]?.children ?? [];
    const text = inline.map(({ content }) => content).join("");
    const id = uniqueId(text, known);
    token.attrSet("id", id);
    const level = Number(token.tag.slice(1));
    return level > 1 ? [{ level, id, text }] : [];
  });
}

/** With a number from the second of a name on. */
function uniqueId(text: string, known: Map<string, number>): string {
  const id = text
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
  const count = known.get(id) ?? 0;
  known.set(id, count + 1);
  return count === 0 ? id : `${id}-${count}`;
}

function followLinks(
  children: readonly Token[],
  page: DocsPage,
  links: Links,
  files: Set<string>,
): void {
  children.forEach((child, at) => {
    if (child.type === "link_open") {
      const end = children.slice(at).find(({ type }) => type === "link_close");
      relink(child, end, page, links);
    }
    if (child.type === "image") showFile(child, page, links, files);
  });
}

function relink(token: Token, end: Token | undefined, page: DocsPage, links: Links): void {
  const target = links.target(page, String(token.attrGet("href") ?? ""));
  switch (target.kind) {
    case "page":
      token.attrSet("href", target.page.path + target.fragment);
      break;
    case "address":
      token.attrSet("href", target.href);
      break;
    case "file":
      token.attrSet("href", fileAddress(target.file));
      break;
    case "source":
      // The code is not on the site: the words that name it stay.
      token.attrs = [["class", "source"]];
      token.tag = "span";
      if (end !== undefined) end.tag = "span";
      break;
    default:
      target satisfies never;
  }
}

function showFile(token: Token, page: DocsPage, links: Links, files: Set<string>): void {
  const target = links.target(page, String(token.attrGet("src") ?? ""));
  if (target.kind !== "file") throw new Error(`${page.path} shows a picture of elsewhere`);
  files.add(target.file);
  token.attrSet("src", fileAddress(target.file));
  token.attrSet("loading", "lazy");
}
