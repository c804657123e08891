import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import { main } from "#cli/main.ts";
import { badPeers } from "../support/bad-peers.ts";
import { recordedIo } from "../support/edge-command-io.ts";

const folder = mkdtempSync(path.join(tmpdir(), "unmask-faults-"));
const questions = path.join(folder, "q.jsonl");
const line = { image: "data:image/png;base64,AQID", question: "What?", answer: "A dog." };
writeFileSync(questions, JSON.stringify(line));

const commands: readonly (readonly string[])[] = [
  ["status"],
  ["ask", "What?"],
  ["usage"],
  ["webhooks", "test", "whe_1"],
  ["deliveries", "list"],
  ["accounts", "list"],
  ["keys", "revoke", "k1"],
  ["credit", "grant", "acc_1", "1"],
  ["replay", "ans_1"],
  ["open"],
  ["eval", questions],
];

const env = { UNMASK_HOME: "/nonexistent", UNMASK_KEY: "k", UNMASK_ADMIN_KEY: "adm" };

describe("a command that meets something else than the API ends with sentences and a code that is not 0", () => {
  test.concurrent.each(Object.entries(badPeers))("%s", async (_, start) => {
    await using peer = await start();
    const ends = await Promise.all(
      commands.map(async (command) => {
        const io = recordedIo({ env });
        const code = await main([...command, "--url", peer.url], io);
        return { command: command[0], code, told: io.written.stderr };
      }),
    );
    for (const { command, code, told } of ends) {
      expect([command, code]).not.toEqual([command, EXIT.done]);
      expect(told, command).toMatch(/unmask: [^\n]+\.\n[A-Z][^\n]+[.?]\n$/);
      expect(told, command).not.toMatch(/\n\s+at |undefined|TypeError/);
    }
  });

  test("and says so where trying again will not help", async () => {
    const io = recordedIo({ env });
    expect(await main(["status", "--url", "http://127.0.0.1:1"], io)).toBe(EXIT.failed);
    expect(io.written.stderr).toBe(
      "unmask: http://127.0.0.1:1 cannot be reached: that port is one that no HTTP client connects to.\nIs --url (UNMASK_URL) the address of the API?\n",
    );
  });
});

describe("what is wrong before anything is sent is wrong usage", () => {
  test.each([
    ["an address without a scheme", ["--url", "127.0.0.1:8787"], {}, "is no address; write it as"],
    ["an address of another scheme", ["--url", "ftp://127.0.0.1"], {}, "is no address"],
    ["a key with a line break in it", [], { UNMASK_KEY: "k\nx" }, "the key is empty or holds"],
    ["a key of letters that no header has", ["--key", "ключ"], {}, "the key is empty or holds"],
  ])("%s", async (_, args, more, words) => {
    const io = recordedIo({ env: { ...env, ...more } });
    expect(await main(["usage", ...args], io)).toBe(EXIT.usage);
    expect(io.written.stderr).toContain(words);
  });

  test("a line break behind a key is none of it", async () => {
    await using peer = await badPeers["a page for people"]();
    const io = recordedIo({ env: { ...env, UNMASK_KEY: "k\r\n" } });
    expect(await main(["usage", "--url", peer.url], io)).toBe(EXIT.unavailable);
  });
});
