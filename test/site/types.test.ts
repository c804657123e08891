import { execFile } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { published } from "../support/published-names.ts";
import { readGuide } from "./guide.ts";

const run = promisify(execFile);

/** What a reader's project says who wants to be told of everything. */
const READERS = {
  compilerOptions: {
    ...{ strict: true, noEmit: true, skipLibCheck: true, module: "nodenext", target: "esnext" },
    ...{ lib: ["esnext", "dom", "dom.iterable"], types: ["node"] },
    // The names under which the client is installed lead to its source.
    allowImportingTsExtensions: true,
    paths: Object.fromEntries(
      Object.entries({ ...published, "#client/*": "src/client/*" }).map(([name, source]) => [
        name,
        [`../../../${source}`],
      ]),
    ),
  },
};

/** The programs in TypeScript that pages print, each under the name of its page and block. */
function programs(): readonly (readonly [name: string, code: string])[] {
  const guides = globSync("infra/docs/guides/*.md").toSorted();
  const marked = guides.flatMap((file) =>
    readGuide(file, readFileSync(file, "utf8"))
      .filter(({ language }) => language === "ts")
      .map(({ name, code }) => [`${path.basename(file, ".md")}-${name}`, code] as const),
  );
  const others = ["README.md", "src/client/package/README.md"].flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/^```ts\n(import [\s\S]*?)\n```$/gm)].map(
      ([, code = ""], index) =>
        [`${file.replaceAll("/", "-").replace(/\.md$/, "")}-${index}`, code] as const,
    ),
  );
  return [...marked, ...others];
}

test("what pages print in TypeScript compiles in a strict project", {
  timeout: 60_000,
}, async () => {
  mkdirSync("node_modules/.cache", { recursive: true });
  const folder = mkdtempSync("node_modules/.cache/guides-");
  try {
    const all = programs();
    expect(all.length).toBeGreaterThan(15);
    for (const [name, code] of all)
      writeFileSync(path.join(folder, `${name}.ts`), `${code}\nexport {};\n`);
    const files = all.map(([name]) => `${name}.ts`);
    writeFileSync(path.join(folder, "package.json"), '{"type":"module"}\n');
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ ...READERS, files }));
    const told = await run("node_modules/.bin/tsc", ["-p", folder]).then(
      () => "",
      ({ stdout }: { stdout: string }) => stdout,
    );
    expect(told).toBe("");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
