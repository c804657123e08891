import { readdirSync } from "node:fs";
import MiniSearch from "minisearch";
import { describe, expect, test } from "vitest";
import { type SearchEntry, searchOptions } from "#playground/docs/search-index.ts";
import { problemOf } from "#wire/error.ts";
import { errorCodes } from "#wire/error-codes.ts";
import { advice } from "../../infra/site/docs/errors/catalogue.ts";
import { twinOf } from "../../infra/site/docs/page.ts";
import { resolved, routesOf } from "../../infra/site/docs/reference/description.ts";
import {
  operationExamples,
  RECORDED_FILE,
  readRecorded,
} from "../../infra/site/docs/reference/examples.ts";
import { Schemas } from "../openapi/schemas.ts";
import { failures } from "../support/edge-builders.ts";
import { builtDocs } from "./docs-site.ts";
import { replyProblems } from "./replies.ts";

const docs = builtDocs();

/** What of the site is served beside the documentation. */
const elsewhere = /^\/(?:$|(?:openapi\.json|licences\.txt|health|account)$|assets\/|samples\/)/;

function fileOf(path: string): string {
  const text = docs.files.get(path);
  if (text === undefined) throw new Error(`there is no ${path}`);
  return text;
}

const html = (path: string): string => fileOf(`${path.slice(1)}.html`);
const twin = (path: string): string => fileOf(twinOf(path).slice(1));
const languagesIn = (part: string): string[] =>
  [...part.matchAll(/<figure class="code" data-language="([^"]+)"/g)].map(([, name = ""]) => name);
const idsIn = (page: string): Set<string> =>
  new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id = ""]) => id));

describe("every page of the documentation", () => {
  test("has an address of its own, a title and a summary", () => {
    const { pages } = docs;
    expect(new Set(pages.map(({ path }) => path)).size).toBe(pages.length);
    const without = pages.filter(({ title, summary }) => title === "" || summary.length < 10);
    expect(without.map(({ path }) => path)).toEqual([]);
  });

  test("has a Markdown twin, which it names, and which says what it says", () => {
    for (const { path, title } of docs.pages) {
      expect(html(path)).toContain(`type="text/markdown" href="${twinOf(path)}"`);
      expect(twin(path).replaceAll("`", ""), path).toContain(`# ${title}`);
      expect(twin(path), path).not.toMatch(/^\s*<!--/m);
    }
  });

  test("shows a step in all of its languages behind the same tabs: a sentence between two of them would part them", () => {
    const parted = docs.pages.flatMap(({ path }) =>
      html(path)
        .split(/<h[1-6]/)
        .flatMap((section) => {
          const groups = section.match(/<div class="languages">.*?<\/div>/gs) ?? [];
          const alone = groups.reduce((rest, group) => rest.replace(group, ""), section);
          const besides = languagesIn(alone).filter((name) =>
            ["sh", "ts", "python"].includes(name),
          );
          const grouped = groups.flatMap(languagesIn);
          return groups.length > 0 && besides.some((name) => !grouped.includes(name)) ? [path] : [];
        }),
    );
    expect(docs.pages.some(({ path }) => html(path).includes('<div class="languages">'))).toBe(
      true,
    );
    expect(parted).toEqual([]);
  });

  test("stands in llms.txt, by its twin", () => {
    const listed = fileOf("llms.txt");
    const missing = docs.pages.filter(({ path }) => !listed.includes(`(${twinOf(path)})`));
    expect(missing.map(({ path }) => path)).toEqual([]);
  });

  test("links only to what there is, to the heading", () => {
    const broken = docs.pages.flatMap(({ path }) => {
      const hrefs = [...html(path).matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, to = ""]) => to);
      return hrefs.filter((href) => !leads(path, href)).map((href) => `${path} → ${href}`);
    });
    expect(broken).toEqual([]);
  });

  test("has links in its twin to other twins, to the heading", () => {
    const broken = docs.pages.flatMap(({ path }) => {
      const prose = twin(path)
        .replace(/^```[\s\S]*?^```$/gm, "")
        .replace(/`[^`\n]*`/g, "");
      const links = [...prose.matchAll(/\]\((\/[^)\s]*)\)/g)].map(([, to = ""]) => to);
      return links
        .filter((to) => !leads(path, to.replace(/\.md(?=#|$)/, "")))
        .map((to) => `${path} → ${to}`);
    });
    expect(broken).toEqual([]);
  });

  test("keeps the site's policy: no script, no style and no handler stands in it", () => {
    for (const { path } of docs.pages)
      expect(html(path), path).not.toMatch(/<script(?![^>]* src=)|<style| style="| on[a-z]+="/);
  });

  test("begins with the one heading of the first level", () => {
    const wrong = docs.pages.filter(({ path }) => html(path).match(/<h1[ >]/g)?.length !== 1);
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  function leads(from: string, href: string): boolean {
    if (/^https?:\/\//.test(href)) return URL.canParse(href);
    const [bare = "", fragment] = href.split("#");
    const address = bare === "" ? from : bare;
    if (docs.files.has(address.slice(1))) return true;
    if (!docs.files.has(`${address.slice(1)}.html`)) return elsewhere.test(address);
    return fragment === undefined || fragment === "main" || idsIn(html(address)).has(fragment);
  }
});

test("every document in infra/docs is a page", () => {
  const documents = readdirSync("infra/docs", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `infra/docs/${name}`);
  const sources = new Set(docs.pages.map(({ source }) => source));
  expect(documents.filter((file) => !sources.has(file))).toEqual([]);
  expect(documents.length).toBeGreaterThan(20);
});

test("what an operator reads stands together, not among what nobody has put anywhere", () => {
  const [, section = ""] = /^## Run it\n([\s\S]*?)^## /m.exec(fileOf("llms.txt")) ?? [];
  const listed = [...section.matchAll(/\(\/docs\/([a-z-]+)\.md\)/g)].map(([, name]) => name);
  for (const name of ["deploy", "places", "fleet", "operations", "runbook", "backup"])
    expect(listed).toContain(name);
});

describe("the catalogue of errors", () => {
  test.each(Object.keys(errorCodes) as (keyof typeof errorCodes)[])(
    "has a page of %s where its problem's type points, which says what happened and what to do",
    (kind) => {
      const { type } = problemOf(failures[kind], { requestId: "req_1", instance: "/" });
      const page = docs.pages.find(({ path }) => path === type);
      expect(page?.title).toBe(errorCodes[kind]?.title);
      const { happened, todo } = advice[kind];
      for (const words of [happened, todo]) expect(words).toMatch(/^[A-Z`"][\s\S]{20,}[.?]$/);
      expect(twin(type)).toContain(`## What happened\n\n${happened.slice(0, 40).split("](")[0]}`);
      expect(twin(type)).toContain("## What to do");
      expect(twin(type)).toContain(`"code": "${kind}"`);
      expect(twin(type)).toContain(`HTTP ${errorCodes[kind]?.status}`);
    },
  );
});

describe("the reference", () => {
  test("has a page for every operation and an example for no other", () => {
    const operations = routesOf(docs.description).map(({ operation }) => operation.operationId);
    expect(Object.keys(operationExamples).sort()).toEqual([...operations].sort());
    expect(Object.keys(readRecorded()).sort()).toEqual([...operations].sort());
    for (const id of operations)
      expect(twin(`/docs/reference/${id}`)).toContain(operationExamples[id]?.curl);
  });

  test(`shows replies (${RECORDED_FILE}) that are what the description says`, () => {
    const recorded = new Map(Object.entries(readRecorded()));
    expect(replyProblems(docs.description, recorded)).toEqual([]);
  });

  test("shows bodies that are what the description takes", () => {
    const schemas = new Schemas(docs.description.components.schemas as never);
    let count = 0;
    for (const { operation } of routesOf(docs.description)) {
      const { curl = "" } = operationExamples[operation.operationId] ?? {};
      const body = /-d '(\{[\s\S]*\})'/.exec(curl)?.[1];
      const schema = operation.requestBody?.content["application/json"]?.schema;
      if (body === undefined || schema === undefined) continue;
      count += 1;
      const problems = schemas.problems(schema as never, JSON.parse(body));
      expect(problems, operation.operationId).toEqual([]);
    }
    expect(count).toBeGreaterThan(8);
  });

  test("tells every field of a body and every parameter", () => {
    for (const { operation } of routesOf(docs.description)) {
      const page = twin(`/docs/reference/${operation.operationId}`);
      for (const one of operation.parameters ?? []) {
        const { name } = resolved(one, docs.description) as { name: string };
        expect(page, operation.operationId).toContain(`| \`${name}\` |`);
      }
      const { schema = {} } = operation.requestBody?.content["application/json"] ?? {};
      const whole = resolved(schema, docs.description) as { properties?: object };
      for (const field of Object.keys(whole.properties ?? {}))
        expect(page, operation.operationId).toContain(`| \`${field}\` |`);
    }
  });
});

describe("the search", () => {
  test.each([
    ["rate_limited", "/docs/errors/rate_limited"],
    ["rate limit", "/docs/errors/rate_limited"],
    ["webhook secret", "/docs/reference/showWebhookSecret"],
    ["UNMASK_ANSWERS_AT_ONCE", "/docs/settings"],
    ["moondream", "/docs/quickstarts/from-moondream"],
    ["idempotncy", "/docs/errors/idempotency_key_invalid"],
    ["price calculator", "/docs/prices"],
    ["upload once", "/docs/quickstarts/upload-once"],
  ])("finds by %j among the first ten %s", (query, path) => {
    const file = [...docs.files.keys()].find((name) => name.startsWith("assets/docs-search-"));
    const index = MiniSearch.loadJSON<SearchEntry>(fileOf(file ?? ""), searchOptions);
    const found = index
      .search(query)
      .slice(0, 10)
      .map(({ id }) => String(id).split("#")[0]);
    expect(found).toContain(path);
  });

  test("has an index that a phone loads in a moment", () => {
    const [, index] =
      [...docs.files].find(([name]) => name.startsWith("assets/docs-search-")) ?? [];
    // Raw; gzip makes a quarter of it, and it is loaded by who is about to search.
    expect(index?.length).toBeLessThan(1_200_000);
  });
});
