import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { keepConsole } from "./kept-console.ts";

function newConsole() {
  const write = () => vi.fn<(...said: unknown[]) => void>();
  return {
    ...console,
    ...{ debug: write(), error: write(), info: write(), log: write(), warn: write() },
    tellKept: undefined,
  };
}

test("a line is written when the runner says so, not where it was said, and once", async () => {
  const spied = newConsole();
  const { error, log } = spied;
  const tellKept = keepConsole(spied as unknown as Console);
  await runInDurableObject(env.LEDGER.getByName("kept-console"), () => {
    spied.error("what", 1);
    spied.log("then");
  });
  expect(error).not.toHaveBeenCalled();
  tellKept();
  tellKept();
  expect(error.mock.calls).toEqual([["what", 1]]);
  expect(log.mock.calls).toEqual([["then"]]);
});

test("a console keeps its lines once, however many files of tests ask it to", () => {
  const spied = newConsole() as unknown as Console;
  expect(keepConsole(spied)).toBe(keepConsole(spied));
});

test("the console of these tests does", () => {
  expect(console).toHaveProperty("tellKept");
});
