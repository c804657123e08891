import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../infra/deploy/cloudflare/account/commands.ts";
import { argumentFaults, type CommandHelp } from "../support/wrangler-help.ts";

/** What the real wrangler says of each command, recorded (`parseHelp`); with another version pinned it is recorded anew. */
const recorded = JSON.parse(readFileSync("test/fixtures/wrangler-help.json", "utf8")) as {
  readonly wrangler: string;
  readonly commands: Readonly<Record<string, CommandHelp>>;
};

const label = { tag: "0.1.0-abc", message: "d1=8/0" };
const config = "wrangler.json";
const given: Readonly<Record<keyof typeof COMMANDS, readonly string[]>> = {
  whoami: COMMANDS.whoami(),
  databases: COMMANDS.databases(),
  createDatabase: COMMANDS.createDatabase("name", "eu"),
  pendingMigrations: COMMANDS.pendingMigrations("DB", config),
  applyMigrations: COMMANDS.applyMigrations("DB", config),
  queue: COMMANDS.queue("name"),
  createQueue: COMMANDS.createQueue("name"),
  buckets: COMMANDS.buckets("eu"),
  createBucket: COMMANDS.createBucket("name", "eu"),
  rules: COMMANDS.rules("name", "eu"),
  addRule: COMMANDS.addRule({ bucket: "b", name: "old", prefix: "work/", days: 3 }, "eu"),
  secrets: COMMANDS.secrets(config),
  versions: COMMANDS.versions(config),
  deployments: COMMANDS.deployments(config),
  build: COMMANDS.build("folder", config),
  deploy: COMMANDS.deploy(label, "secrets.json", config),
  changeSecrets: COMMANDS.changeSecrets(label, config),
  release: COMMANDS.release("id", "message", config),
  rollback: COMMANDS.rollback("id", "message", config),
};

/** The help of the longest command that the arguments begin with. */
function helpOf(args: readonly string[]): CommandHelp {
  const names = Object.keys(recorded.commands).filter((name) =>
    `${args.join(" ")} `.startsWith(`${name} `),
  );
  const help = recorded.commands[names.toSorted((a, b) => b.length - a.length)[0] ?? ""];
  if (help === undefined) throw new Error(`no help was recorded of ${args.join(" ")}`);
  return help;
}

describe("what wrangler is given", () => {
  test("was recorded from the wrangler that is pinned", () => {
    const { version } = JSON.parse(readFileSync("node_modules/wrangler/package.json", "utf8")) as {
      version: string;
    };
    expect(recorded.wrangler).toBe(version);
  });

  test.each(Object.entries(given))("%s: it takes it", (_, args) => {
    expect(argumentFaults(args, helpOf(args))).toEqual([]);
  });

  test("what it would not take is seen", () => {
    const faults = (...args: string[]) => argumentFaults(args, helpOf(args));
    expect(faults("d1", "list", "--jsonl")).toEqual(["--jsonl is unknown"]);
    expect(faults("d1", "create")).toEqual(["lacks a word"]);
    expect(faults("d1", "create", "a", "b")).toEqual(["has too many words"]);
    expect(faults("deploy", "--tag", "--message", "x")).toContain("--tag has no value");
  });
});
