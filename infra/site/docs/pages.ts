import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { cardsText } from "#playground/docs/price.ts";
import { describeApi } from "../describe-api.ts";
import { shell } from "../shell.ts";
import type { Site, SiteFile } from "../site.ts";
import { pagesOf, sectionsOf } from "./contents.ts";
import { DOCS_SUMMARY, homePage } from "./home-page.ts";
import { layout } from "./layout.ts";
import { fileAddress, Links } from "./links.ts";
import { type RenderedPage, renderMarkdown } from "./markdown.ts";
import { type DocsPage, type DocsSection, twinOf } from "./page.ts";
import { CALCULATOR_MARK, calculatorHtml } from "./prices/calculator-form.ts";
import { calculatorCards } from "./prices/cards.ts";
import type { Description } from "./reference/description.ts";
import { routesOf } from "./reference/description.ts";
import { operationPath } from "./reference/operation-page.ts";
import { searchIndexText } from "./search-text.ts";
import { llmsText, twinText } from "./twin.ts";

const root = path.resolve(import.meta.dirname, "../../..");

/** What the documentation is made from: every page, and how they stand together. */
export interface Docs {
  readonly sections: readonly DocsSection[];
  readonly pages: readonly DocsPage[];
  readonly links: Links;
  readonly description: Description;
}

/** Reads and makes every page. Throws an Error that names the page whose source is wrong. */
export async function readDocs(): Promise<Docs> {
  const described = await describeApi("https://unmask.example");
  const description = described["openapi.json"] as unknown as Description;
  const sections = sectionsOf(root, description);
  const pages = [homePage(sections), ...sections.flatMap(pagesOf)];
  return { sections, pages, links: new Links(pages), description };
}

/** Every file of the documentation: pages, their Markdown twins, `llms.txt`, the search index, the calculator's cards. */
export async function docsFiles(site: Site): Promise<readonly SiteFile[]> {
  const docs = await readDocs();
  const { sections, pages, links } = docs;
  const routes = namedRoutes(docs);
  const rendered = pages.map((page) => {
    const named = (code: string) => routes.get(code) ?? links.named(code);
    return { page, rendered: renderMarkdown(page, links, named) };
  });
  const cards = hashedFile("cards", cardsText(calculatorCards()));
  const index = hashedFile("search", searchIndexText(rendered));
  const files = new Set(rendered.flatMap((one) => one.rendered.files));
  return [
    ...rendered.flatMap(({ page, rendered: one }) => {
      const main = layout(page, withCalculator(page, one, `/${cards.path}`), sections, {
        searchIndex: `/${index.path}`,
      });
      return [
        { path: `${page.path.slice(1)}.html`, content: htmlOf(page, main, site) },
        { path: twinOf(page.path).slice(1), content: twinText(page, links) },
      ];
    }),
    ...[...files].map((file) => ({
      path: fileAddress(file).slice(1),
      content: readFileSync(path.join(root, file)),
    })),
    { path: "llms.txt", content: llmsText(sections, DOCS_SUMMARY) },
    cards,
    index,
  ];
}

function htmlOf(page: DocsPage, main: string, site: Site): string {
  const { path: address, title, summary } = page;
  return shell(
    {
      title: address === "/docs" ? "Unmask documentation" : `${title} — Unmask`,
      description: summary,
      path: address,
      main,
      styles: ["docs.css"],
      scripts: ["docs.js"],
      head: `<link rel="alternate" type="text/markdown" href="${twinOf(address)}">`,
    },
    site,
  );
}

/** Routes as running text names them, with the pages that explain them. */
function namedRoutes({ pages, description }: Docs): ReadonlyMap<string, DocsPage> {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  return new Map(
    routesOf(description).flatMap(({ method, path: route, operation }) => {
      const page = byPath.get(operationPath(operation.operationId));
      return page === undefined ? [] : [[`${method} ${route}`, page] as const];
    }),
  );
}

function withCalculator(page: DocsPage, rendered: RenderedPage, cards: string): RenderedPage {
  if (!page.markdown.includes(CALCULATOR_MARK)) return rendered;
  const html = rendered.html.replace("<h2", `${calculatorHtml(cards)}\n<h2`);
  return { ...rendered, html };
}

/** A file of data under a name that changes with what is in it, so that browsers may keep it. */
function hashedFile(name: string, content: string): SiteFile {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8);
  return { path: `assets/docs-${name}-${hash}.json`, content };
}
