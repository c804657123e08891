import type { Site } from "./site.ts";

/** What a page has of its own. */
export interface Page {
  readonly title: string;
  /** A sentence for search engines and for whoever the page is sent to. */
  readonly description: string;
  /** Where it lies: `/docs/ask`. Marks the part of the site that the header shows as the present one. */
  readonly path: string;
  /** HTML of `<main>`, escaped. */
  readonly main: string;
  /** Names of its styles and scripts beside those of every page. */
  readonly styles?: readonly string[];
  readonly scripts?: readonly string[];
  /** More of `<head>`, as HTML: links to other forms of the page. */
  readonly head?: string;
}

const parts = [
  { href: "/", name: "Playground" },
  { href: "/docs", name: "Docs" },
  { href: "/account", name: "Account" },
] as const;

/** Writes a page of the site: head, header, `main`, footer. Nothing stands inline: the policy of `headers.ts` forbids it. */
export function shell(page: Page, site: Site): string {
  const { title, description, path, main, styles = [], scripts = [], head = "" } = page;
  const sheets = ["base.css", ...styles].map(
    (name) => `<link rel="stylesheet" href="${site.asset(name)}">`,
  );
  const modules = ["theme.js", ...scripts].map(
    (name) => `<script type="module" src="${site.asset(name)}"></script>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<meta name="description" content="${escapeHtml(description)}">
<link rel="icon" href="${site.asset("icon.svg")}" type="image/svg+xml">
${fonts.map((name) => `<link rel="preload" href="${site.asset(name)}" as="font" type="font/woff2" crossorigin>`).join("\n")}
${sheets.join("\n")}
${modules.join("\n")}
${head}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar">
<a class="wordmark" href="/" aria-label="Unmask, to the playground"><span aria-hidden="true" class="mark"><i></i><i></i><i></i><i></i></span>Unmask</a>
<nav aria-label="Site">${parts.map((part) => link(part, path)).join("")}</nav>
<button type="button" class="quiet" id="theme" hidden>Theme</button>
</header>
<main id="main" tabindex="-1">
${main}
</main>
<footer class="foot">
<p>Answers to questions about pictures, unmasked all at once. <a href="/docs">Docs</a> · <a href="/openapi.json">OpenAPI</a> · <a href="/health">Health</a> · <a href="/licences.txt">Licences</a></p>
</footer>
</body>
</html>
`;
}

/** What the first words are set in. */
const fonts = ["inter-latin-wght-normal.woff2", "newsreader-latin-wght-normal.woff2"];

function link(
  { href, name }: { readonly href: string; readonly name: string },
  path: string,
): string {
  const isHere = href === "/" ? path === "/" : path === href || path.startsWith(`${href}/`);
  return `<a href="${href}"${isHere ? ' aria-current="page"' : ""}>${name}</a>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Writes text so that HTML reads it as text, in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
