import { describe, expect, test } from "vitest";
import { anchorsOf, complaintsAbout, documentsOf, readHouse } from "./support/documents.ts";

const house = readHouse(".");
const readme = house.read("README.md");

describe("whatever a document names exists", () => {
  test.each(documentsOf(house))("%s", (document) => {
    expect(complaintsAbout(document, house.read(document), house)).toEqual([]);
  });

  test.each([
    ["a link to a file", "[x](infra/docs/none.md)"],
    ["a link to a heading", "[x](README.md#no-such-heading)"],
    ["a picture", '<img src="infra/docs/none.svg">'],
    ["an address", "[x](https://)"],
    ["a path", "`src/edge/none.ts`"],
    ["a path that is one of several", "`src/edge/{app,none}.ts`"],
    ["a pattern of paths", "`src/edge/none-*.ts`"],
    ["a folder", "`src/none/`"],
    ["the end of a path", "`answers/none.ts`"],
    ["a script of npm", "`npm run none`"],
    ["a script in a block", "```sh\nnpm run none\n```"],
    ["a bench", "`npm run bench -- none`"],
    ["a command", "`unmask none ID`"],
    ["a command behind npm", "`npm run unmask -- none`"],
    ["an entry of Node", "`node src/none.ts`"],
    ["a constant", "`NO_SUCH_CONSTANT`"],
    ["a function", "`noSuchFunction()`"],
    ["an error code", "`no_such_code`"],
    ["a route", "`GET /v1/none/{id}`"],
    ["a method", "`DELETE /v1/answers`"],
    ["a test's title", '`test/rooms.test.ts` "no such title"'],
  ])("%s that does not exist is found", (_, text) => {
    expect(complaintsAbout("README.md", text, house)).toHaveLength(1);
  });

  test("what exists is not complained about", () => {
    const text = [
      "[x](infra/docs/decisions/001-durable-formats.md#rules) `src/edge/{app,env}.ts` `src/edge/`",
      "`npm run bench -- ledger` `unmask ask` `HOP_VERSION` `GET /v1/answers/{id}` `answers/ask.ts`",
      '`test/rooms.test.ts` "every import is one that the floor plan allows"',
    ].join("\n");
    expect(complaintsAbout("README.md", text, house)).toEqual([]);
  });
});

describe("the README", () => {
  test("has at most 150 lines", () => {
    expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
  });

  test("says why each package that is needed to run is here, and names no other", () => {
    const { dependencies, optionalDependencies } = JSON.parse(house.read("package.json")) as {
      dependencies: Record<string, string>;
      optionalDependencies: Record<string, string>;
    };
    const needed = Object.keys({ ...dependencies, ...optionalDependencies });
    const [, why = ""] = /^Why each package is here: ([\s\S]*?)\n\n/m.exec(readme) ?? [];
    const named = [...why.matchAll(/\*\*([^*]+)\*\*/g)].map((match) => match[1]);
    expect(named.sort()).toEqual(needed.sort());
  });

  test("points to a page that names every variable of the function and the fetch hop", () => {
    const readers = [
      "src/inference/config.ts",
      "src/inference/store-config.ts",
      "src/inference/runtime/cuda/cuda-settings.ts",
    ];
    const read = new Set(
      readers
        .map(house.read)
        .join("\n")
        .match(/\bUNMASK_[A-Z0-9_]+\b/g),
    );
    const settings = house.read("infra/docs/settings.md");
    expect([...read].filter((name) => !settings.includes(`\`${name}\``))).toEqual([]);
  });

  test("names the rooms that there are", () => {
    const rooms = new Set(
      [...house.folders].flatMap((name) => /^src\/(\w+)$/.exec(name)?.[1] ?? []),
    );
    const [, said = ""] = /^Rooms: ([^\n]*)/m.exec(readme) ?? [];
    const named = [...said.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);
    expect(named.sort()).toEqual([...rooms].sort());
  });
});

test("documents that comments in the code point to exist, with the heading that they name", () => {
  const cited = house.sources.matchAll(/\b((?:infra|wasm|test)\/[\w/.-]+\.md)(?:#([\w-]+))?/g);
  const missing = [...cited].filter(
    ([, file = "", anchor]) =>
      !house.files.has(file) || (anchor !== undefined && !anchorsOf(house.read(file)).has(anchor)),
  );
  expect(missing.map(([whole]) => whole)).toEqual([]);
});
