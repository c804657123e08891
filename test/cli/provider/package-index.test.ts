import { afterEach, expect, test, vi } from "vitest";
import { findWheel, openIndex } from "#cli/provider/package-index.ts";
import { impatientPolicy } from "../../support/bundles.ts";

afterEach(() => vi.restoreAllMocks());

const wheel = { project: "some-project", version: "1.0", platform: /-linux\.whl$/, files: [] };
const file = "some_project-1.0-linux.whl";

async function found(page: string | ReadableStream, type = "text/html") {
  vi.spyOn(globalThis, "fetch").mockResolvedValue(
    new Response(page, { headers: { "content-type": type } }),
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

const JSON_PAGE = "application/vnd.pypi.simple.v1+json";

test("a project's page of JSON is read to the wheel in it, over entries that are none", async () => {
  const files = [null, { filename: 1 }, { filename: file, url: `../${file}`, hashes: {} }];
  expect(await found(JSON.stringify({ files }), JSON_PAGE)).toEqual({
    file,
    url: new URL(`https://index.test/simple/${file}`),
  });
});

test.each([
  ["HTML that says it is JSON", "<html>Sign in</html>"],
  ["JSON that is cut off", '{"files": [{"filena'],
  ["no object", "null"],
  ["an error of what stands between", '{"error": "sign in"}'],
  ["files that are no list", '{"files": {}}'],
])("a page of %s is told by its address, and what to do", async (_, page) => {
  await expect(found(page, JSON_PAGE)).rejects.toMatchObject({
    name: "ProviderFault",
    message: expect.stringContaining("https://index.test/simple/some-project/"),
    next: expect.stringContaining("--index"),
    isRetryable: false,
  });
});

test("a page that breaks off is told as a store that may be asked again", async () => {
  const page = new ReadableStream({
    start: (controller) => controller.error(new TypeError("terminated")),
  });
  await expect(found(page)).rejects.toMatchObject({
    ...{ name: "WeightsError", code: "store_unavailable" },
    message: expect.stringContaining("https://index.test/simple/some-project/"),
  });
});
