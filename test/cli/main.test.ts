import { describe, expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import { main } from "#cli/main.ts";
import { recordedIo } from "../support/edge-command-io.ts";

describe("the command line", () => {
  test("lists its commands when asked for help, on stdout", async () => {
    const io = recordedIo();
    expect(await main(["--help"], io)).toBe(EXIT.done);
    for (const name of [
      "ask",
      "status",
      "usage",
      "accounts",
      "keys",
      "credit",
      "convert",
      "synth",
      "parity",
    ])
      expect(io.written.stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
  });

  test("lists them as a complaint when asked for nothing or for the unknown", async () => {
    const nothing = recordedIo();
    expect(await main([], nothing)).toBe(EXIT.usage);
    expect(nothing.written.stdout).toBe("");
    const unknown = recordedIo();
    expect(await main(["aks"], unknown)).toBe(EXIT.usage);
    expect(unknown.written.stderr).toContain('no command "aks"; there are ask,');
  });

  test.each(["ask", "status", "usage", "accounts", "keys", "credit", "convert", "synth", "parity"])(
    "teaches %s",
    async (name) => {
      const io = recordedIo();
      expect(await main([name, "--help"], io)).toBe(EXIT.done);
      expect(io.written.stdout.length).toBeGreaterThan(200);
      expect(io.written.stderr).toBe("");
    },
  );

  test("answers wrong usage with the message and where to read on", async () => {
    const io = recordedIo();
    expect(await main(["ask"], io)).toBe(EXIT.usage);
    expect(io.written.stderr).toMatch(/^unmask ask: say what to ask.*\nSee: unmask ask --help\n$/);
  });

  test("ends quietly as interrupted", async () => {
    const signal = AbortSignal.abort(new Error("stopped by SIGINT"));
    const io = recordedIo({ signal });
    const code = await main(["status", "--url", "http://127.0.0.1:1"], io);
    expect([code, io.written.stderr]).toEqual([EXIT.interrupted, ""]);
  });
});
