import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Asked,
  priceOf,
  readCards,
  type ServedTerms,
  servedCards,
} from "#playground/docs/price.ts";
import { freePort } from "../../infra/local/ports.ts";
import type { Description } from "../../infra/site/docs/reference/description.ts";
import { operationExamples } from "../../infra/site/docs/reference/examples.ts";
import { type ExampleReply, runExamples } from "../../infra/site/docs/reference/run-examples.ts";
import { type GuideBlock, readGuide } from "../site/guide.ts";
import { replyProblems } from "../site/replies.ts";
import {
  ended,
  outputOf,
  PYTHON,
  runTerminal,
  startProgram,
  type TerminalOutput,
  untilListening,
} from "../site/run-guide.ts";
import { type SharedSystem, sharedSystem } from "../support/shared-system.ts";

const GUIDES = "infra/docs/guides";

let system: SharedSystem;
/** In the repository, so that programs find the packages that they import. */
let folder: string;
let environment: Readonly<Record<string, string>>;
beforeAll(async () => {
  system = await sharedSystem("The documentation");
  mkdirSync(".unmask", { recursive: true });
  folder = path.resolve(mkdtempSync(".unmask/guides-"));
  environment = {
    UNMASK_URL: system.url,
    UNMASK_KEY: system.key,
    UNMASK_ADMIN_KEY: system.admin_key,
  };
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true }));

const guides = readdirSync(GUIDES)
  .filter((name) => name.endsWith(".md"))
  .map((name) => ({
    name,
    blocks: readGuide(name, readFileSync(path.join(GUIDES, name), "utf8")),
  }));

/** What a block in Python imports. */
function modulesOf({ language, code }: GuideBlock): readonly string[] {
  if (language !== "python") return [];
  const named = [...code.matchAll(/^(?:import|from) ([\w, ]+?)(?: import .*)?$/gm)];
  return named.flatMap(([, names = ""]) => names.split(/, */));
}

/** Those that this machine's Python lacks, found out for all guides at once: each Python that is started takes as long as a program. */
const missing: readonly string[] = (() => {
  const names = new Set(guides.flatMap(({ blocks }) => blocks.flatMap(modulesOf)));
  const code =
    "import sys; from importlib.util import find_spec; print(*(name for name in sys.argv[1:] if find_spec(name) is None))";
  const { status, stdout } = spawnSync(PYTHON, ["-c", code, ...names], { encoding: "utf8" });
  return status === 0 ? stdout.trim().split(" ") : [...names];
})();

describe.each(guides.filter(({ blocks }) => blocks.length > 0))(
  "the guide $name runs as printed",
  ({ blocks }) => {
    let terminal: TerminalOutput;
    beforeAll(async () => {
      const port = await freePort();
      terminal = await runTerminal(blocks, folder, { ...environment, PORT: String(port) });
    });

    test("in the terminal", () => {
      for (const { name, language, prints } of blocks)
        if (language === "sh" && prints !== undefined)
          expect(terminal.printed.get(name), name).toMatch(prints);
    });

    const programs = blocks.filter(({ language, stays }) => language !== "sh" && !stays);
    for (const block of programs) {
      const lacking = modulesOf(block).find((name) => missing.includes(name));
      const why = lacking === undefined ? "" : ` (skipped: no Python package ${lacking})`;
      test.skipIf(lacking !== undefined)(`as the program ${block.name}${why}`, async () => {
        const printed = await ended(startProgram(block, folder, { ...environment }));
        expect(printed).toMatch(block.prints ?? /^/);
      });
    }

    const servers = blocks.filter(({ stays }) => stays);
    for (const block of servers) {
      test(`as the server ${block.name}`, async () => {
        const PORT = String(await freePort());
        const server = startProgram(block, folder, {
          ...environment,
          ...terminal.exported,
          PORT,
        });
        const read = outputOf(server);
        try {
          await untilListening(Number(PORT));
          await runTerminal(blocks, folder, { ...environment, PORT });
          const told = expect.poll(read, { timeout: 25_000 });
          await told.toMatch(block.prints ?? /^/);
        } finally {
          server.kill();
        }
      });
    }
  },
);

describe("the reference's examples", () => {
  const replies = new Map<string, ExampleReply>();
  beforeAll(async () => {
    copyFileSync("test/fixtures/photographs/cat.jpg", path.join(folder, "cat.jpg"));
    for await (const reply of runExamples(system, folder)) replies.set(reply.operationId, reply);
  }, 60_000);

  test.each(Object.entries(operationExamples))("%s replies as its page says", (id, example) => {
    expect(replies.get(id)?.body ?? "none").toBeDefined();
    expect(replies.get(id)?.status, replies.get(id)?.body).toBe(example.status);
  });

  test("get replies that are what the description says", async () => {
    const description = (await (await fetch(`${system.url}/openapi.json`)).json()) as Description;
    expect(replyProblems(description, replies)).toEqual([]);
  });
});

describe("the price calculator", () => {
  test.each<Omit<Asked, "pictures" | "textBytes"> & { width?: number; height?: number }>([
    {},
    { canvas: 16 },
    { canvas: 32, steps: 8 },
    { mode: "exact", canvas: 24 },
    { mode: "fast", canvas: 32 },
    { mode: "cached", refresh: 1, canvas: 32 },
    { mode: "cached", refresh: 32, canvas: 64, steps: 16 },
    { detail: "low", width: 3000, height: 2000 },
    { width: 64, height: 4096, canvas: 128 },
    { canvas: 512, mode: "exact" },
  ])("says of %j what POST /v1/quotes says", async ({ width = 640, height = 480, ...fields }) => {
    const page = await (await fetch(`${system.url}/docs/prices`)).text();
    const address = /data-cards="([^"]+)"/.exec(page)?.[1] ?? "";
    const cards = readCards(await (await fetch(system.url + address)).text());
    const card = cards.find((one) => one.card.id === system.model)?.card;
    if (card === undefined) throw new Error("the calculator has no card of the demo model");
    const headers = { authorization: `Bearer ${system.key}` };
    const models = await (await fetch(`${system.url}/v1/models`, { headers })).json();
    const { data } = models as { readonly data: readonly ServedTerms[] };
    const [served] = servedCards(cards, data);
    expect(served?.card).toEqual(card);
    const question = "Is there a dog on the left? Čau!";
    const reply = await fetch(`${system.url}/v1/quotes`, {
      method: "POST",
      headers: { authorization: `Bearer ${system.key}`, "content-type": "application/json" },
      body: JSON.stringify({ width, height, question, ...fields }),
    });
    const textBytes = new TextEncoder().encode(question).length;
    const priced = priceOf({ pictures: [{ width, height }], textBytes, ...fields }, card);
    if (typeof priced === "string") throw new Error(priced);
    expect(await reply.json()).toMatchObject({
      price_micros: Number(priced.quote.price),
      image_vectors: priced.quote.imageVectors,
      forward_passes: priced.quote.forwardPasses,
      refreshes: priced.quote.refreshes,
      rows: priced.quote.rows,
    });
  });
});

describe("the documentation is served", () => {
  test.each([
    ["/docs", "text/html"],
    ["/docs/quickstarts/ask", "text/html"],
    ["/docs.md", "text/markdown"],
    ["/docs/reference/createAnswer.md", "text/markdown"],
    ["/llms.txt", "text/plain"],
  ])("%s as %s, in UTF-8, under the site's policy", async (address, type) => {
    const reply = await fetch(system.url + address, { redirect: "manual" });
    expect(reply.status).toBe(200);
    expect(reply.headers.get("content-type")).toBe(`${type}; charset=utf-8`);
    expect(reply.headers.get("content-security-policy")).toMatch(/default-src 'none'/);
  });

  test("a refusal's type leads to its page", async () => {
    const refused = await fetch(`${system.url}/v1/answers`);
    const { type, code } = (await refused.json()) as { type: string; code: string };
    const page = await (await fetch(new URL(type, refused.url))).text();
    expect(page).toContain(`<code>${code}</code>`);
    expect(page).toContain("What to do");
  });
});
