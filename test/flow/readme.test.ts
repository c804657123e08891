import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "#client/client.ts";
import { freePort } from "../../infra/local/ports.ts";
import { type LocalSystem, startLocalSystem } from "../support/local-system.ts";

const readme = readFileSync("README.md", "utf8");

/** The fenced block of README.md behind the comment `runs: name`. */
function example(name: string): string {
  const block = new RegExp(`<!-- runs: ${name} -->\n\`\`\`\\w+\n([^]*?)\n\`\`\``).exec(readme)?.[1];
  if (block === undefined) throw new Error(`README.md has no example ${name}`);
  return block;
}

let system: LocalSystem;
beforeAll(async () => {
  system = await startLocalSystem();
}, 120_000);
afterAll(async () => await system[Symbol.asyncDispose]());

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

describe("the README's examples run as printed", () => {
  test("curl", async () => {
    const reply = await run("sh", ["-c", example("curl")]).ended;
    expect(JSON.parse(reply)).toMatchObject({ status: "completed", answer: "A dog." });
  });

  test("our client", async () => {
    const lines = (await runTypescript("client").ended).trim().split("\n");
    expect(lines[0]).toMatch(/^answer\./);
    expect(lines.at(-1)).toBe("A dog.");
  });

  test("the openai package", async () => {
    expect(await runTypescript("openai").ended).toBe("A dog.\n");
  });

  test("a webhook receiver", async () => {
    const headers = { authorization: `Bearer ${system.key}` };
    const reply = await fetch(`${system.url}/v1/webhook_secret`, { headers });
    const shown = (await reply.json()) as { secret: string };
    const port = await freePort();
    const env = { UNMASK_WEBHOOK_SECRET: shown.secret, PORT: String(port) };
    const receiver = runTypescript("webhook", env);
    try {
      const client = createClient({ baseUrl: system.url, apiKey: system.key });
      const images = [new Uint8Array(readFileSync("test/fixtures/pictures/dog.png"))];
      const webhook = `http://127.0.0.1:${port}/`;
      await client.ask({ question: "What is this?", images, webhook, cache: "off" });
      await expect.poll(receiver.output, { timeout: 25_000 }).toBe("answer.completed A dog.\n");
    } finally {
      receiver.child.kill();
    }
  });
});
