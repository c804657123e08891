import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** Answers of the demo model take a second; a machine whose cores are busy is waited for. */
const PATIENCE_MS = 20_000;

/** A page of a person's own, and everything that it complained about. */
export interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** Opens an address as a person of their own: nothing is shared with other pages of the browser. */
export async function openPage(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
  prepare: (page: Page) => Promise<void> = async () => undefined,
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const { origin } = new URL(address);
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A refusal is logged by the browser itself; what the policy forbids is no refusal.
    const isRefusal = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isRefusal) complaints.push(message.text());
  });
  await prepare(page);
  await page.goto(address);
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** Still pages: what moves is tested where it is looked at. */
export const still = { reducedMotion: "reduce" } as const;

/** How pages are looked at. */
export const looks = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  "320 px wide": { viewport: { width: 320, height: 640 } },
} as const satisfies Readonly<Record<string, BrowserContextOptions>>;

/** Goes to a part of the account's page. The part before is gone when this returns: nothing that is looked for then is found in it. */
export async function openSection(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name, exact: true }).click();
  await page.locator(".side nav a[aria-current=page]", { hasText: name }).waitFor();
}

/** Presses Tab until what has the focus is called so. */
export async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement as HTMLInputElement | null;
      return element?.ariaLabel ?? element?.labels?.[0]?.textContent ?? element?.textContent ?? "";
    });
    if (typeof name === "string" ? focused.trim() === name : name.test(focused)) return;
  }
  throw new Error(`the Tab key never leads to ${name}`);
}
