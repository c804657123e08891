import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { requireChromium } from "../../../infra/local/chromium.ts";
import { startChromium } from "../../support/chromium.ts";

/** CSS pixels that the documents' picture shows: table, notes and the first plots. */
const VIEW = { width: 1280, height: 1180 };

/** Takes a picture of the top of a page, as a PNG with a palette. */
export async function photograph(page: string, target: string): Promise<void> {
  const browser = await startChromium(requireChromium());
  try {
    const context = await browser.newContext({
      ...{ viewport: VIEW, deviceScaleFactor: 1.5, offline: true },
    });
    const tab = await context.newPage();
    await tab.goto(pathToFileURL(page).href);
    const shot = await tab.screenshot({ animations: "disabled" });
    await sharp(shot).png({ palette: true, effort: 10 }).toFile(target);
  } finally {
    await browser.close();
  }
}
