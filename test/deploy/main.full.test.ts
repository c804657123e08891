import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AccountState, emptyAccount, readAccount } from "../support/fake-account.ts";
import { filledToml } from "./stand.ts";

// `npm run deploy` as a process, as a person runs it, with a wrangler that keeps an account in a file.

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "unmask-deploy-main-"));
  writeFileSync(path.join(folder, "wrangler.toml"), filledToml());
});
afterEach(() => rmSync(folder, { recursive: true }));

const account = (): AccountState => readAccount(path.join(folder, "account.json"));

async function deploy(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number | string | null; readonly said: string }> {
  const child = spawn(process.execPath, ["infra/deploy/cloudflare/main.ts", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      FAKE_ACCOUNT: path.join(folder, "account.json"),
      UNMASK_WRANGLER: "test/support/fake-wrangler.ts",
      UNMASK_WRANGLER_TOML: path.join(folder, "wrangler.toml"),
      UNMASK_DEPLOY_STATE: path.join(folder, "state"),
      ...variables,
    },
  });
  const ended = new Promise<number | string | null>((resolve) =>
    child.once("close", (code, signal) => resolve(signal ?? code)),
  );
  const said = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await ended, said: said.join("\n") };
}

test("npm run deploy that is killed in the midst goes on when it is run again, and then has nothing to do", async () => {
  const args = ["--yes", "--no-smoke"];
  const killed = await deploy(args, { FAKE_DIES_AFTER: "queues create" });
  expect(killed.status).toBe("SIGKILL");
  expect(account().queues).toHaveLength(1);
  const again = await deploy(args);
  expect([again.status, again.said]).toEqual([0, expect.stringContaining("deployed: https://")]);
  const third = await deploy(args);
  expect([third.status, third.said]).toEqual([0, expect.stringContaining("nothing is to be done")]);
}, 120_000);

test("npm run deploy ends with a status that says whose turn it is", async () => {
  const noTerminal = await deploy([]);
  expect([noTerminal.status, noTerminal.said]).toEqual([64, expect.stringContaining("--yes")]);
  expect((await deploy(["--env", "elsewhere"])).status).toBe(64);
  const loggedOut = { ...emptyAccount(), isLoggedIn: false };
  writeFileSync(path.join(folder, "account.json"), JSON.stringify(loggedOut));
  const nobody = await deploy(["--yes"]);
  expect([nobody.status, nobody.said]).toEqual([
    69,
    expect.stringContaining("nobody is logged in"),
  ]);
  const two = {
    ...emptyAccount(),
    accounts: [
      { id: "a1", name: "One" },
      { id: "a2", name: "Two" },
    ],
  };
  writeFileSync(path.join(folder, "account.json"), JSON.stringify(two));
  const which = await deploy(["--yes"]);
  expect([which.status, which.said]).toEqual([
    69,
    expect.stringContaining("CLOUDFLARE_ACCOUNT_ID"),
  ]);
}, 120_000);

test("npm run deploy does not deploy over a stranger's Worker unless it is adopted", async () => {
  expect((await deploy(["--yes", "--no-smoke"])).status).toBe(0);
  const state = account();
  for (const version of state.workers["unmask-production"]?.versions ?? [])
    version.message = "by hand";
  writeFileSync(path.join(folder, "account.json"), JSON.stringify(state));
  const stranger = await deploy(["--yes", "--no-smoke"]);
  expect([stranger.status, stranger.said]).toEqual([1, expect.stringContaining("--adopt")]);
  expect((await deploy(["--yes", "--no-smoke", "--adopt"])).status).toBe(0);
}, 120_000);

test("npm run deploy -- rollback says what it means, does nothing, and says how it is done", async () => {
  await deploy(["--yes", "--no-smoke"]);
  writeFileSync(path.join(folder, "wrangler.toml"), filledToml().replaceAll('"45"', '"46"'));
  await deploy(["--yes", "--no-smoke"]);
  const said = await deploy(["rollback"]);
  expect([said.status, said.said]).toEqual([
    69,
    expect.stringContaining("rollback v1 --env production --yes"),
  ]);
  const done = await deploy(["rollback", "v1", "--yes"]);
  expect([done.status, done.said]).toEqual([0, expect.stringContaining("v1 takes all requests")]);
  const rotated = await deploy(["rotate", "admin"]);
  expect([rotated.status, rotated.said]).toEqual([1, expect.stringContaining("v2 is newer")]);
}, 120_000);
