import { escapeHtml } from "../shell.ts";
import type { Heading, RenderedPage } from "./markdown.ts";
import { type DocsPage, type DocsSection, twinOf } from "./page.ts";

/** Where pages find what they load. */
export interface DocsAddresses {
  readonly searchIndex: string;
}

/** Sections with more pages than a person reads as a list show them only to who is inside. */
const MAX_OPEN = 12;

/** Writes what stands in `<main>`: contents, the page, what is on it. */
export function layout(
  page: DocsPage,
  rendered: RenderedPage,
  sections: readonly DocsSection[],
  { searchIndex }: DocsAddresses,
): string {
  return `<div class="docs">
<div class="side">
<form class="search" role="search" data-index="${searchIndex}" hidden>
<label class="unseen" for="search">Search the documentation</label>
<input id="search" type="search" placeholder="Search" autocomplete="off" spellcheck="false" aria-keyshortcuts="/">
<p class="unseen" role="status"></p>
<ol hidden></ol>
</form>
<details class="contents"><summary>Contents</summary>
<nav aria-label="Documentation">
${sections.map((section) => sectionHtml(section, page)).join("\n")}
</nav>
</details>
</div>
<article>
${rendered.html}
<footer class="page-end">
${neighbours(page, sections)}
<p><a href="${twinOf(page.path)}">This page as Markdown</a></p>
</footer>
</article>
${onThisPage(rendered.headings)}
</div>`;
}

function sectionHtml(section: DocsSection, page: DocsPage): string {
  const { title, pages, groups = [] } = section;
  const inside = [...pages, ...groups.flatMap((group) => group.pages)].some(
    ({ path }) => path === page.path,
  );
  const isLong = groups.reduce((sum, group) => sum + group.pages.length, 0) > MAX_OPEN;
  const shown = inside || !isLong ? groups : [];
  const lists = shown.map(
    (group) =>
      `<details${group.pages.some(({ path }) => path === page.path) ? " open" : ""}><summary>${escapeHtml(group.title)}</summary>${listHtml(group.pages, page)}</details>`,
  );
  return `<section><h2>${escapeHtml(title)}</h2>${listHtml(pages, page)}${lists.join("")}</section>`;
}

function listHtml(pages: readonly DocsPage[], page: DocsPage): string {
  const items = pages.map(({ path, title }) => {
    const here = path === page.path ? ' aria-current="page"' : "";
    return `<li><a href="${path}"${here}>${escapeHtml(title)}</a></li>`;
  });
  return `<ul>${items.join("")}</ul>`;
}

function neighbours(page: DocsPage, sections: readonly DocsSection[]): string {
  const own = sections.find((section) => section.pages.some(({ path }) => path === page.path));
  const all = own?.pages ?? [];
  const at = all.findIndex(({ path }) => path === page.path);
  const [before, after] = [at < 1 ? undefined : all[at - 1], at === -1 ? undefined : all[at + 1]];
  if (before === undefined && after === undefined) return "";
  const link = (one: DocsPage | undefined, word: string): string =>
    one === undefined
      ? "<span></span>"
      : `<a href="${one.path}" rel="${word === "Before" ? "prev" : "next"}"><small>${word}</small>${escapeHtml(one.title)}</a>`;
  return `<nav class="neighbours" aria-label="Before and after">${link(before, "Before")}${link(after, "Next")}</nav>`;
}

/** Fewer headings than this are seen without a list of them. */
const MIN_HEADINGS = 3;

function onThisPage(headings: readonly Heading[]): string {
  const shown = headings.filter(({ level }) => level === 2);
  if (shown.length < MIN_HEADINGS) return "";
  const items = shown.map(({ id, text }) => `<li><a href="#${id}">${escapeHtml(text)}</a></li>`);
  return `<nav class="toc" aria-label="On this page"><p>On this page</p><ul>${items.join("")}</ul></nav>`;
}
