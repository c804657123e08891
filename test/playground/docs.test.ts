import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findChromium } from "../../infra/local/chromium.ts";
import { startChromium } from "../support/chromium.ts";
import { evalReportFile } from "../support/eval-report-file.ts";
import { isFull } from "../support/full.ts";
import { findings } from "./axe.ts";
import { serveSite } from "./serve-site.ts";

const executablePath = findChromium();

let site: Awaited<ReturnType<typeof serveSite>>;
let browser: Browser;

beforeAll(async () => {
  if (executablePath === undefined) return;
  [site, browser] = await Promise.all([serveSite(), startChromium(executablePath)]);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await site?.[Symbol.asyncDispose]();
});

interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly complaints: readonly string[];
}

async function open(path: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto(site.url + path);
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** One of each kind of page, all of them in both looks in `npm run test:full`: every second in either here. */
const kinds = [
  "/docs",
  "/docs/quickstarts/ask",
  "/docs/prices",
  "/docs/reference",
  "/docs/reference/createAnswer",
  "/docs/errors",
  "/docs/errors/rate_limited",
  "/docs/model-card",
  "/docs/architecture",
  "/docs/changelog",
];

describe.skipIf(executablePath === undefined)("the documentation in a browser", () => {
  const looks: [string, BrowserContextOptions][] = [
    ["light and wide", { colorScheme: "light" }],
    ["dark, 320 px wide", { colorScheme: "dark", viewport: { width: 320, height: 640 } }],
  ];

  const seen = looks.flatMap(([name, look], n) =>
    kinds.filter((_, m) => isFull || m % 2 === n).map((path) => ({ name, look, path })),
  );

  test.each(seen)(
    "axe finds nothing on $path, $name, which is no wider than the window",
    async ({ look, path }) => {
      await using opened = await open(path, { ...look, reducedMotion: "reduce", bypassCSP: true });
      const { page, complaints } = opened;
      expect(await findings(page)).toEqual([]);
      // Letters of the page's own fonts are wider than the machine's.
      await page.evaluate(async () => {
        await document.fonts.ready;
      });
      const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
      expect(scrollWidth).toBe(clientWidth);
      expect(complaints).toEqual([]);
    },
  );

  test("the search is reached, used and left by keyboard alone, and stays within the policy", async () => {
    await using opened = await open("/docs");
    const { page, complaints } = opened;
    await page.keyboard.press("/");
    await page.keyboard.type("rate_limited");
    await page.locator(".search li").first().waitFor();
    expect(await page.getByRole("status").textContent()).toMatch(/found/);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${site.url}/docs/errors/rate_limited`);
    await page.keyboard.press("/");
    await page.keyboard.type("zzzzqqqq");
    await page.getByText("Nothing found.").waitFor();
    await page.keyboard.press("Escape");
    expect(await page.locator(".search input").inputValue()).toBe("");
    expect(complaints).toEqual([]);
  });

  test("examples are shown in the language that was chosen last, on every page, with its output", async () => {
    await using opened = await open("/docs/quickstarts/ask");
    const { page } = opened;
    const output = page.locator("figure[data-printed-by] code", { hasText: /^A cat\.$/ });
    await page.getByRole("tab", { name: "curl" }).first().focus();
    expect(await page.getByRole("tabpanel").count()).toBe(1);
    expect(await output.isVisible()).toBe(false);
    await page.keyboard.press("ArrowRight");
    await page.getByRole("tab", { name: "TypeScript", selected: true }).waitFor();
    expect(await output.isVisible()).toBe(true);
    await page.goto(`${site.url}/docs/quickstarts/watch`);
    await page.getByRole("tab", { name: "TypeScript", selected: true }).waitFor();
  });

  test("the calculator counts as its fields change, and says what the API would refuse", async () => {
    await using opened = await open("/docs/prices");
    const { page, complaints } = opened;
    const told = page.locator(".calculator output");
    await page.getByText("micro-dollars").first().waitFor();
    const before = await told.textContent();
    await page.getByLabel("Canvas").fill("64");
    expect(await told.textContent()).not.toBe(before);
    await page.getByLabel("Steps").fill("128");
    await page.getByText("128 steps cannot each fill one of 64 positions").waitFor();
    await page.getByLabel("Steps").fill("");
    await page.getByLabel("Model").selectOption({ label: "LLaDA-V on cuda, default prices" });
    await page
      .getByText(/^\$0\.0\d+/)
      .first()
      .waitFor();
    expect(complaints).toEqual([]);
  });

  test("without JavaScript everything is there: all languages, the contents, the page", async () => {
    await using opened = await open("/docs/quickstarts/ask", { javaScriptEnabled: false });
    const { page } = opened;
    for (const words of ["import requests", 'from "unmask"', "curl -s"])
      expect(await page.getByText(words).first().isVisible(), words).toBe(true);
    expect(await page.getByRole("link", { name: "Prices", exact: true }).isVisible()).toBe(true);
    expect(await page.locator(".search").isVisible()).toBe(false);
  });

  test("a page is read whole while its scripts have not come", async () => {
    await using opened = await open("/docs");
    const { page } = opened;
    await page.route("**/*.js", (route) => route.abort());
    await page.goto(`${site.url}/docs/errors/invalid_request`);
    expect(await page.getByText("What to do").first().isVisible()).toBe(true);
  });
});

describe.skipIf(executablePath === undefined)("the report of unmask eval in a browser", () => {
  test("is complete without a network: axe finds nothing on it, light, dark and 320 px wide", async () => {
    const file = await evalReportFile();
    const looks: BrowserContextOptions[] = [
      { colorScheme: "light" },
      { colorScheme: "dark", viewport: { width: 320, height: 640 } },
    ];
    for (const look of looks) {
      const context = await browser.newContext({ ...look, bypassCSP: true, offline: true });
      const page = await context.newPage();
      await page.goto(pathToFileURL(file).href);
      expect(await findings(page)).toEqual([]);
      const isWider = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return scrollWidth > clientWidth;
      });
      expect(isWider).toBe(false);
      const cards = page.locator(".card:visible");
      expect(await cards.count()).toBe(3);
      await page.getByText("exact alone").click();
      expect(await cards.count()).toBe(2);
      await context.close();
    }
  });
});
