import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { imageVariables } from "../../infra/container/dockerfile.ts";
import { parseOptions } from "../../infra/deploy/cloudflare/options.ts";
import { commandsOn, printedOn, readPage } from "./walk.ts";

// The page of deploying, as far as a moment allows; walk.full.test.ts runs its commands and writes what they print.

const page = readPage();
const isThere = (file: string): true => {
  if (!existsSync(file)) throw new Error(`there is no ${file}`);
  return true;
};

/** Programs of the page, and whether their arguments are meant: a throw says why not. */
const meant: readonly (readonly [RegExp, (match: RegExpExecArray) => unknown])[] = [
  [
    /^npm run deploy -- (.*)$/,
    ([, args = ""]) => parseOptions(args.replaceAll('"', "").split(" ")),
  ],
  [/^npm run deploy$/, () => parseOptions([])],
  [
    /^npm run bench -- (\w+)$/,
    ([, name = ""]) => expect(readFileSync("test/bench/main.ts", "utf8")).toContain(`"${name}",`),
  ],
  [/^TEST_FULL=1 npm test -- --project node (\S+)$/, ([, file = ""]) => isThere(file)],
  [
    /^docker build -f (\S+) --target (\w+) -t unmask:\2 \.$/,
    ([, file = "", target = ""]) => isThere(file) && imageVariables(target),
  ],
  [/^sudo nft -f (\S+)$/, ([, file = ""]) => isThere(file)],
  [/^docker compose -f (\S+) (up|exec) /, ([, file = ""]) => isThere(file)],
];

describe("the page of deploying", () => {
  test.each(commandsOn(page))("prints `%s`, which is understood", (command) => {
    const [found] = meant.flatMap(([pattern, check]) => {
      const match = pattern.exec(command);
      return match === null ? [] : [() => check(match)];
    });
    if (found === undefined)
      throw new Error("nobody knows this command: say in `meant` what it needs");
    expect(found).not.toThrow();
  });

  test("shows what its commands printed, answers of a killed function lost: none", () => {
    expect(printedOn(page, "dry-run")).toMatch(
      /^unmask-production\n( {2}would look .*\n)+\nwrangler\.toml is not filled in/,
    );
    expect(page).not.toMatch(/wrangler\.toml:\d/);
    // WALK=write TEST_FULL=1 vitest run --project node test/deploy/walk.full.test.ts -t dry-run writes it anew.
    const [, listed = ""] =
      /would look {2}migrations \S+ +(.*)$/m.exec(printedOn(page, "dry-run")) ?? [];
    expect(listed.split(", ")).toEqual(readdirSync("infra/edge/migrations").sort());
    const figures = printedOn(page, "compose");
    expect(figures).toMatch(/^accepted and lost +0$/m);
    expect(figures).toMatch(/^charged otherwise than quoted +0$/m);
    const [, charged, spent] = /^charged, spent by the ledgers +(\d+), (\d+)$/m.exec(figures) ?? [];
    expect(charged).toBe(spent);
  });
});
