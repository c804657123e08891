import { existsSync } from "node:fs";

/** Where a Chromium is on this machine: what CHROMIUM_PATH says, or where systems put it. */
export function findChromium(): string | undefined {
  const candidates = [
    process.env["CHROMIUM_PATH"],
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
  ];
  return candidates.find((candidate) => candidate !== undefined && existsSync(candidate));
}

/** As `findChromium`. Throws an Error that says how to get one where there is none. */
export function requireChromium(): string {
  const found = findChromium();
  if (found === undefined)
    throw new Error("no Chromium found: set CHROMIUM_PATH, or on Debian: apt-get install chromium");
  return found;
}
