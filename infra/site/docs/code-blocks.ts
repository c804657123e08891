import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import http from "highlight.js/lib/languages/http";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import typescript from "highlight.js/lib/languages/typescript";
import { escapeHtml } from "../shell.ts";

const languages = { sh: bash, http, json, python, ts: typescript };
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);

/** Names of languages as a person says them; what else is fenced has no name. */
const spoken: Readonly<Record<string, string>> = {
  sh: "curl",
  ts: "TypeScript",
  python: "Python",
  json: "JSON",
  http: "HTTP",
};

/** Parts the language of a block from those of the blocks that print it. */
const PRINTED_BY = " of ";

/** A fenced block, coloured now so that no browser has to. `info` stands behind its fence. */
export function codeBlock(code: string, info: string): string {
  const [language = "", printedBy] = info.split(PRINTED_BY);
  const body = Object.hasOwn(languages, language)
    ? hljs.highlight(code, { language, ignoreIllegals: true }).value
    : escapeHtml(code);
  const isTerminal = language === "sh" && !code.includes("curl");
  const label = isTerminal ? "Terminal" : spoken[language];
  const data = [
    ["language", language || "text"],
    ["label", label],
    ["printed-by", printedBy],
  ].flatMap(([name, value]) => (value === undefined ? [] : ` data-${name}="${escapeHtml(value)}"`));
  return `<figure class="code"${data.join("")}><pre tabindex="0"><code>${body}</code></pre></figure>\n`;
}

/** An example as `codeBlock` writes it, of a language in which steps are shown. */
const example =
  '<figure class="code" data-language="(?:sh|ts|python)"[^>]*>(?:(?!</figure>)[\\s\\S])*</figure>\\n';

/** Puts the same step in several languages side by side: what follows directly on one another, until a language comes again. */
export function grouped(html: string): string {
  return html.replace(new RegExp(`(?:${example}){2,}`, "g"), (blocks) => {
    const groups: { readonly languages: Set<string>; html: string }[] = [];
    for (const [block] of blocks.matchAll(new RegExp(example, "g"))) {
      const language = /data-language="(\w+)"/.exec(block)?.[1] ?? "";
      const last = groups.at(-1);
      if (last === undefined || last.languages.has(language))
        groups.push({ languages: new Set([language]), html: block });
      else {
        last.languages.add(language);
        last.html += block;
      }
    }
    return groups
      .map(({ languages: { size }, html: own }) =>
        size === 1 ? own : `<div class="languages">\n${own}</div>\n`,
      )
      .join("");
  });
}

/** Says behind the fence of each output in which languages the blocks are that print it: who reads one of them sees its output alone. */
export function withOutputs(markdown: string): string {
  const runs = markdown.matchAll(/^<!-- runs: ([\w-]+)[^>]*-->\n```(\w+)/gm);
  const languageOf = new Map([...runs].map(([, name = "", language = ""]) => [name, language]));
  return markdown.replace(
    /^<!-- prints: ([^>]*?) -->\n```(\w+)/gm,
    (_, names: string, language: string) => {
      const by = names.split(/, */).map((name) => languageOf.get(name) ?? "");
      return `\`\`\`${language}${PRINTED_BY}${by.join(" ")}`;
    },
  );
}

/** The comments that mark what tests run are no part of a page. */
export function withoutComments(markdown: string): string {
  return markdown.replace(/^[ \t]*<!--[\s\S]*?-->[ \t]*\n?/gm, "");
}
