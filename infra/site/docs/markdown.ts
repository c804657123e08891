import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import http from "highlight.js/lib/languages/http";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import typescript from "highlight.js/lib/languages/typescript";
import MarkdownIt from "markdown-it";
import { escapeHtml } from "../shell.ts";
import { fileAddress, type Links } from "./links.ts";
import type { DocsPage } from "./page.ts";

const languages = { sh: bash, http, json, python, ts: typescript };
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);

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

/** Names of languages as a person says them; what else is fenced has no name. */
const spoken: Readonly<Record<string, string>> = {
  sh: "curl",
  ts: "TypeScript",
  python: "Python",
  json: "JSON",
  http: "HTTP",
};

/** Renders a page's Markdown. Nothing stands inline that the site's policy forbids. */
export function renderMarkdown(page: DocsPage, links: Links, named: NamedPages): RenderedPage {
  const md = new MarkdownIt({ html: true });
  const headings: Heading[] = [];
  const files = new Set<string>();
  const ids = new Map<string, number>();
  md.renderer.rules["fence"] = (tokens, index) => {
    const { info = "", content = "" } = tokens[index] ?? {};
    return codeBlock(content.replace(/\n$/, ""), info.trim());
  };
  // Wide tables scroll by themselves, also by keyboard.
  md.renderer.rules["table_open"] = () => '<div class="table" tabindex="0"><table>\n';
  md.renderer.rules["table_close"] = () => "</table></div>\n";
  md.renderer.rules["code_inline"] = (tokens, index) => {
    const code = tokens[index]?.content ?? "";
    const html = `<code>${escapeHtml(code)}</code>`;
    const isLinked = tokens
      .slice(0, index)
      .reduce(
        (open, { type }) => (type === "link_open" ? true : type === "link_close" ? false : open),
        false,
      );
    const target = isLinked ? undefined : named(code);
    return target === undefined || target.path === page.path
      ? html
      : `<a class="named" href="${target.path}">${html}</a>`;
  };
  md.core.ruler.push("site", (state) => {
    state.tokens.forEach((token, index) => {
      if (token.type === "heading_open") {
        const inline = state.tokens[index + 1];
        const text = (inline?.children ?? []).map(({ content }) => content).join("");
        const id = uniqueId(text, ids);
        token.attrSet("id", id);
        const level = Number(token.tag.slice(1));
        if (level > 1) headings.push({ level, id, text });
      }
      const children = token.children ?? [];
      children.forEach((child, at) => {
        if (child.type === "link_open") {
          const end = children.slice(at).find(({ type }) => type === "link_close");
          relink(child, end, page, links);
        }
        if (child.type === "image") showFile(child, page, links, files);
      });
    });
  });
  md.renderer.rules["heading_close"] = (tokens, index) => {
    const { tag } = tokens[index] ?? { tag: "h2" };
    return `</${tag}>\n`;
  };
  const html = md.render(withoutComments(page.markdown));
  return { html: grouped(html), headings, files: [...files] };
}

type Token = ReturnType<InstanceType<typeof MarkdownIt>["parse"]>[number];

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
      // The code is not on the site: its path stands for it.
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

function codeBlock(code: string, info: string): string {
  const language = info.split(/\s/)[0] ?? "";
  const body = Object.hasOwn(languages, language)
    ? hljs.highlight(code, { language, ignoreIllegals: true }).value
    : escapeHtml(code);
  const name = spoken[language];
  const isShell = language === "sh" && !code.includes("curl");
  const label = isShell ? "Terminal" : name;
  return `<figure class="code" data-language="${escapeHtml(language || "text")}"${label === undefined ? "" : ` data-label="${label}"`}><pre tabindex="0"><code>${body}</code></pre></figure>\n`;
}

/** Puts the same step in several languages side by side: what follows directly on one another, each in a language of its own. */
function grouped(html: string): string {
  const block =
    '<figure class="code" data-language="(?:sh|ts|python)"[^>]*>(?:(?!</figure>)[\\s\\S])*</figure>\\n';
  return html.replace(new RegExp(`(?:${block}){2,}`, "g"), (blocks) => {
    const names = [...blocks.matchAll(/data-language="(\w+)"/g)].map(([, name]) => name);
    return new Set(names).size === names.length
      ? `<div class="languages">\n${blocks}</div>\n`
      : blocks;
  });
}

/** The comments that mark what tests run are no part of a page. */
export function withoutComments(markdown: string): string {
  return markdown.replace(/^[ \t]*<!--[\s\S]*?-->[ \t]*\n?/gm, "");
}

/** GitHub's anchor of a heading, with a number from the second of a name on. */
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
