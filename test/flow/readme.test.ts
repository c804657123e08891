import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { createClient } from "#client/client.ts";
import { freePort } from "../../infra/local/ports.ts";
import { type SharedSystem, sharedSystem } from "../support/shared-system.ts";

const readme = readFileSync("README.md", "utf8");

/** The fenced block of README.md behind the comment `runs: name`. */
function example(name: string): string {
  const block = new RegExp(`<!-- runs: ${name} -->\n\`\`\`\\w+\n([^]*?)\n\`\`\``).exec(readme)?.[1];
  if (block === undefined) throw new Error(`README.md has no example ${name}`);
  return block;
}

let system: SharedSystem;
beforeAll(async () => {
  system = await sharedSystem("The README");
}, 120_000);

/** Runs an example as it is printed; `output` grows while it runs. */
function run(command: string, args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(command, args, {
    env: { ...process.env, UNMASK_URL: system.url, UNMASK_KEY: system.key, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  const ended = new Promise<string>((resolve) => child.once("close", () => resolve(output)));
  return { child, ended, output: () => output };
}

const runTypescript = (name: string, env: Record<string, string> = {}) =>
  run(process.execPath, ["--input-type=module-typescript", "--eval", example(name)], env);

/** Runs a file of infra/examples. */
const runFile = (name: string) => run(process.execPath, [`infra/examples/${name}`]).ended;

describe("the README's examples run as printed", () => {
  test("curl", async () => {
    const reply = await run("sh", ["-c", example("curl")]).ended;
    expect(JSON.parse(reply)).toMatchObject({ status: "completed", answer: "A cat." });
  });

  test("our client", async () => {
    const lines = (await runTypescript("client").ended).trim().split("\n");
    expect(lines[0]).toMatch(/^answer\./);
    expect(lines.at(-1)).toBe("A cat.");
  });

  test("our client out of a file in this folder, with the command that stands below it", async () => {
    const [command = "", ...args] =
      /`(npm run [^`]*) FILE\.ts`/.exec(readme)?.[1]?.split(" ") ?? [];
    mkdirSync(".unmask", { recursive: true });
    const folder = mkdtempSync(".unmask/readme-");
    const file = path.join(folder, "ask.ts");
    writeFileSync(file, example("client"));
    try {
      const output = await run(command, [...args, file]).ended;
      expect(output.trim().split("\n").at(-1)).toBe("A cat.");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("the openai package", async () => {
    expect(await runTypescript("openai").ended).toBe("A cat.\n");
  });

  test("selling answers, from an account to what it used", async () => {
    const [, commands = ""] =
      /^## Sell answers\n[\s\S]*?^```sh\n([\s\S]*?)^```$/m.exec(readme) ?? [];
    const env = { UNMASK_ADMIN_KEY: system.admin_key };
    const output = await run("sh", ["-ec", commands], env).ended;
    expect(output).toMatch(/granted to ada/);
    expect(output).toMatch(/^A cat\.$/m);
    expect(output).toMatch(/in all/);
  });

  test("a webhook receiver", async () => {
    const secret = (
      await run("npm", ["run", "-s", "unmask", "--", "webhooks", "secret"]).ended
    ).trim();
    const port = await freePort();
    const env = { UNMASK_WEBHOOK_SECRET: secret, PORT: String(port) };
    const receiver = runTypescript("webhook", env);
    try {
      const client = createClient({ baseUrl: system.url, apiKey: system.key });
      const images = [new Uint8Array(readFileSync("test/fixtures/photographs/cat.jpg"))];
      const webhook = `http://127.0.0.1:${port}/`;
      await client.ask({ question: "What is this?", images, webhook, cache: "off" });
      await expect.poll(receiver.output, { timeout: 25_000 }).toBe("answer.completed A cat.\n");
    } finally {
      receiver.child.kill();
    }
  });
});

describe("the examples beside it", () => {
  test("quote.ts: the quote is the charge", async () => {
    expect(await runFile("quote.ts")).toMatch(
      /^A cat\. Quoted (\d+), charged \1 micro-dollars\.\n$/,
    );
  });

  test("batch.ts: a result for each question, in their order", async () => {
    const lines = (await runFile("batch.ts")).trim().split("\n");
    expect(lines[0]).toBe("What is this? A cat.");
    expect(lines[1]).toMatch(/^Is there a cat\? \w/);
    expect(lines[2]).toMatch(/^Is there a dog\? \w/);
    expect(lines.length).toBe(3);
  });

  test("deadline.ts: what there is at the deadline, and all of it where there is time", async () => {
    const [late, whole] = (await runFile("deadline.ts")).split("\n");
    expect(late).toBe('0 ms: partial "" after 0 steps, 0 micro-dollars');
    expect(whole).toMatch(/^60000 ms: completed "A cat\." after [1-9]\d* steps, [1-9]\d* micro-/);
  });

  test("no other lies there", () => {
    const files = readdirSync("infra/examples").filter((name) => name.endsWith(".ts"));
    expect(files.sort()).toEqual(["batch.ts", "deadline.ts", "quote.ts"]);
  });
});
