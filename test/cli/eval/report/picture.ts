// Remakes the picture of a report that the documents show: npm run -s node -- test/cli/eval/report/picture.ts [option of eval …]
// Without options: the demo set in two modes, at five numbers of steps.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { evaluateFile } from "#cli/eval.ts";
import { requireChromium } from "../../../../infra/local/chromium.ts";
import { startChromium } from "../../../support/chromium.ts";

const file = path.join(mkdtempSync(path.join(tmpdir(), "unmask-report-")), "report.html");
const options = process.argv.slice(2);
await evaluateFile(
  [
    ...["test/fixtures/demo-eval/questions.jsonl", "--html", file],
    ...["--engine", "local", "--bundle", "infra/demo-model/photographs/bundle"],
    ...(options.length > 0
      ? options
      : ["--modes", "exact,fast", "--steps", "1,2,4,8,16", "--canvas", "16"]),
  ],
  {
    ...{ stdout: process.stdout, stderr: process.stderr, env: process.env, cwd: process.cwd() },
    ...{ isTTY: false, signal: new AbortController().signal },
  },
);
const browser = await startChromium(requireChromium());
try {
  const context = await browser.newContext({
    ...{ viewport: { width: 1280, height: 1480 }, deviceScaleFactor: 1.5, offline: true },
  });
  const page = await context.newPage();
  await page.goto(pathToFileURL(file).href);
  const shot = await page.screenshot({ animations: "disabled" });
  await sharp(shot)
    .png({ palette: true, effort: 10 })
    .toFile("infra/docs/pictures/eval-report.png");
} finally {
  await browser.close();
}
