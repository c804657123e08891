import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds on a page, with the HTML of what it is about; the page must have been opened with `bypassCSP`. */
export async function findings(page: Page): Promise<readonly string[]> {
  // Outside of the page's policy, as an extension would: the page itself may run no such script.
  return await page.evaluate(async (source) => {
    const run = new Function(`${source}; return axe.run(document);`);
    const { violations } = (await run()) as {
      readonly violations: readonly {
        readonly id: string;
        readonly nodes: readonly { readonly html: string }[];
      }[];
    };
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  }, axe);
}
