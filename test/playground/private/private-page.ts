import path from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { tradeForPass } from "#client/playground-pass.ts";
import { answer } from "../asking.ts";
import { findings } from "../axe.ts";
import { type Opened, openPage, still } from "../open-page.ts";
import type { Running } from "../running.ts";
import { expectEqualAnswers, PICTURES, pngQuestions } from "./equality.ts";

/** What a page and its worker send to the API, or send anywhere. */
function watch(page: Page): string[] {
  const seen: string[] = [];
  page.context().on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith("/v1/") || request.method() !== "GET")
      seen.push(`${request.method()} ${pathname}`);
  });
  return seen;
}

function blobsIn(seen: readonly string[]): readonly string[] {
  return seen.filter((line) => line.includes("/blobs/"));
}

/** A page with a pass, on which asking without sending can be switched on. */
async function openPrivately(
  { browser, system }: Running,
  prepare?: (page: Page) => Promise<void>,
): Promise<Opened> {
  const { token } = await tradeForPass({ baseUrl: system.url, apiKey: system.key });
  const address = `${system.url}/#pass=${token}`;
  const opened = await openPage(browser, address, still, prepare);
  // A model of some MB is loaded by one busy core.
  opened.page.setDefaultTimeout(60_000);
  await opened.page.getByLabel("Ask without sending").waitFor();
  return opened;
}

const here = "The picture and the question stay here";

async function switchOn(page: Page): Promise<void> {
  await page.getByLabel("Ask without sending").click();
}

/** Tests of asking without sending, in a page of the system that runs. */
export function privateTests(running: () => Running): void {
  test("asked without sending, a question is answered as by the service, offline and for nothing, also after the page was loaded again without a network: nothing leaves the device", async () => {
    await using opened = await openPrivately(running());
    const { page, complaints } = opened;
    const seen = watch(page);
    await switchOn(page);
    await page.getByText(here).waitFor();
    // The log sees what the worker asks for.
    expect(blobsIn(seen).length).toBeGreaterThan(0);
    await answersOffline(page, seen);
    expect(complaints).toEqual([]);
  }, 180_000);
}

/** What of it `npm test` does not run. */
export function privateTestsInWhole(running: () => Running): void {
  test("a load that was left goes on, what is damaged is fetched again, and what is kept can be removed", async () => {
    await using opened = await openPrivately(running());
    const { page, complaints } = opened;
    const seen = watch(page);
    await leavesInTheMiddle(page);
    const kept = await keptKeys(page);
    expect(kept).toBeGreaterThan(0);
    seen.length = 0;
    await switchOn(page);
    await page.getByText(here).waitFor();
    // The log sees what the worker asks for, and that it asks for nothing twice.
    expect(blobsIn(seen).length).toBeGreaterThan(0);
    expect(blobsIn(seen).length).toBeLessThan(await keptKeys(page));

    await answersOffline(page, seen);
    expect(await findings(page)).toEqual([]);

    await page.getByLabel("Ask without sending").click();
    await page.getByText(/MB kept on this device, with this page/).waitFor();
    await page.evaluate(damageOne);
    seen.length = 0;
    await switchOn(page);
    await page.getByText("A part of it was damaged here and was fetched again").waitFor();
    expect(blobsIn(seen)).toHaveLength(1);
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByText("The model comes to this device once").waitFor();
    expect(await keptKeys(page)).toBe(0);
    await expect.poll(() => keptOfPage(page)).toEqual([]);
    expect(complaints).toEqual([]);
  }, 180_000);

  test("a model that is not given out can only be asked by sending, and the page says so", async () => {
    await using opened = await openPrivately(running(), async (page) => {
      await page.route("**/v1/models", async (route) => {
        const response = await route.fetch();
        const text = (await response.text()).replaceAll(
          '"downloadable":true',
          '"downloadable":false',
        );
        await route.fulfill({ response, body: text });
      });
    });
    const { page } = opened;
    await page.getByText("This model's weights are not given out").waitFor();
    expect(await page.getByLabel("Ask without sending").isDisabled()).toBe(true);
  });

  test("made on a device without room to keep the model, the tokens are the service's: a question about each of six PNGs of the demo set", async () => {
    const ofEach = new Map(pngQuestions().map((one) => [one.file, one]));
    const { isKept } = await expectEqualAnswers(running(), [...ofEach.values()].slice(0, 6), 1e6);
    expect(isKept).toBe(false);
  }, 180_000);
}

/** Switches it on, and cancels when a part has arrived. */
async function leavesInTheMiddle(page: Page): Promise<void> {
  // Each of three files is asked for twice, its size first; then come shards.
  let left = 10;
  await page.route(/\/blobs\//, async (route) => {
    left -= 1;
    if (left >= 0) await route.continue();
  });
  await switchOn(page);
  await page.getByText(/^[\d.]+ MB of [\d.]+ MB/).waitFor();
  await expect.poll(() => keptKeys(page), { timeout: 20_000 }).toBeGreaterThanOrEqual(6);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.unroute(/\/blobs\//);
}

async function answersOffline(page: Page, seen: string[]): Promise<void> {
  await page.context().setOffline(true);
  await page.getByText("This device is offline").waitFor();
  const kept = await keptOfPage(page);
  expect(kept).toContain("/");
  expect(kept.filter((path) => !/^\/(?:$|assets\/|private\/|samples\/)/.test(path))).toEqual([]);
  await page.reload();
  await switchOn(page);
  await page.getByText(here).waitFor();
  await page.getByText("This device is offline").waitFor();
  seen.length = 0;
  const file = path.join(PICTURES, "apple-and-guitar.png");
  await page.locator('input[type="file"]').first().setInputFiles(file);
  await page.getByLabel("Question", { exact: true }).fill("Describe the image in detail.");
  await page.getByText("it never leaves this device").waitFor();
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByText("made on this device; nothing was sent").waitFor();
  await page.getByText(answer).first().waitFor();
  await page.getByRole("slider", { name: "Step" }).fill("3");
  expect(seen).toEqual([]);
  await page.context().setOffline(false);
}

function keptKeys(page: Page): Promise<number> {
  return page.evaluate(async () => {
    let count = 0;
    for (const name of await caches.keys())
      if (name.startsWith("unmask-private"))
        count += (await (await caches.open(name)).keys()).length;
    return count;
  });
}

/** Paths of everything else that the browser keeps for this page. */
function keptOfPage(page: Page): Promise<readonly string[]> {
  return page.evaluate(async () => {
    const names = (await caches.keys()).filter((name) => !name.startsWith("unmask-private"));
    const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return keys.flat().map(({ url }) => new URL(url).pathname);
  });
}

/** Runs in the page: puts something else in a shard's place. */
async function damageOne(): Promise<void> {
  const names = await caches.keys();
  const name = names.find((one) => one.startsWith("unmask-private")) ?? "";
  const cache = await caches.open(name);
  const keys = await cache.keys();
  const sizes = await Promise.all(
    keys.map(async (key) => (await (await cache.match(key))?.arrayBuffer())?.byteLength ?? 0),
  );
  const largest = keys[sizes.indexOf(Math.max(...sizes))];
  if (largest !== undefined) await cache.put(largest, new Response("rubbish"));
}
