import { type Browser, chromium } from "playwright-core";

/** Starts it without a window, and without what it would tell or fetch by itself. */
export async function startChromium(executablePath: string): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // A camera of the browser's own, so that no machine needs one.
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
    ],
  });
}
