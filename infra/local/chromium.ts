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
