import { afterEach, expect, test, vi } from "vitest";
import { findWheel, openIndex } from "#cli/provider/package-index.ts";
import { impatientPolicy } from "../../support/bundles.ts";

afterEach(() => vi.restoreAllMocks());

const wheel = { project: "some-project", version: "1.0", platform: /-linux\.whl$/, files: [] };
const file = "some_project-1.0-linux.whl";

async function found(page: string) {
  vi.spyOn(globalThis, "fetch").mockResolvedValue(
    new Response(page, { headers: { "content-type": "text/html" } }),
  );
  const signal = AbortSignal.timeout(60_000);
  return await findWheel(openIndex("https://index.test/simple"), wheel, {
    signal,
    policy: impatientPolicy(),
  });
}

// An expression that looks at each end for each beginning would take days over such a page, and hear no Ctrl-C.
test.each([
  ["anchors that never end", "<a ".repeat(400_000)],
  ["one anchor of endless addresses", `<a ${"href='x' ".repeat(200_000)}`],
  ["texts that never end", "<a x>".repeat(300_000)],
])("a project's page of %s is read to the wheel behind it", async (_, hostile) => {
  const anchor = `<a data-requires-python="&gt;=3" href="../${file}#sha256=${"ab".repeat(32)}">${file}</a>`;
  expect(await found(`${hostile}${anchor}`)).toEqual({
    file,
    url: new URL(`https://index.test/simple/${file}`),
    sha256: "ab".repeat(32),
  });
});
