import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import { status } from "#cli/status.ts";
import { fileStore } from "#inference/file-store.ts";
import type { HealthBody } from "#wire/api/health.ts";
import { badPeers } from "../support/bad-peers.ts";
import { tinyBundle } from "../support/bundles.ts";
import { apiDouble, recordedIo } from "../support/edge-command-io.ts";

/** As much of it as is read, and as an edge of before says. */
type SaidHealth = Pick<HealthBody, "status" | "function" | "functions">;

function healthWith(state: "loading" | "ready" | "failed", eta: number | null): SaidHealth {
  const status = {
    model: { name: "unmask-demo", version: "1", digest: "ab".repeat(32) },
    state,
    loaded_bytes: 1_250_000_000,
    total_bytes: 5_000_000_000,
    eta_seconds: eta,
    replace: state === "failed",
    reason: state === "failed" ? "device_lost" : null,
  };
  return { status: "ok", function: status, functions: [status] };
}

describe("unmask status", () => {
  test.each<[SaidHealth, number, RegExp]>([
    [
      healthWith("loading", 29.5),
      EXIT.unavailable,
      /█{5}░{15} 25 %, 1\.25 of 5\.00 GB, about 30 s to go/,
    ],
    [healthWith("loading", null), EXIT.unavailable, /1\.25 of 5\.00 GB\n/],
    [healthWith("ready", 0), EXIT.done, /ready\nmodel {5}unmask-demo 1, weights abababababab…/],
    [healthWith("failed", null), EXIT.failed, /failed: device_lost, to be replaced/],
    [
      { status: "ok", function: { state: "unreachable" }, functions: [{ state: "unreachable" }] },
      EXIT.unavailable,
      /not reachable from the edge/,
    ],
    [
      {
        status: "ok",
        function: { state: "unreachable" },
        functions: [{ state: "unreachable" }, healthWith("ready", 0).function],
      },
      EXIT.unavailable,
      /not reachable from the edge\nfunction {2}ready\nmodel {5}unmask-demo/,
    ],
  ])("tells how far the function is: %j", async (health, code, words) => {
    await using api = await apiDouble(() => Response.json(health));
    const io = recordedIo();
    expect(await status(["--url", api.url], io)).toBe(code);
    expect(io.written.stdout).toMatch(words);
    expect(io.written.stdout).toContain(`up at ${api.url}`);
  });

  test("prints the API's own reply with --json", async () => {
    const health = healthWith("ready", 0);
    await using api = await apiDouble(() => Response.json(health));
    const io = recordedIo();
    await status(["--url", api.url, "--json"], io);
    expect(JSON.parse(io.written.stdout)).toEqual(health);
  });

  test("says how to bring a service up where none is", async () => {
    await using peer = await badPeers["a port where nothing listens"]();
    const io = recordedIo();
    expect(await status(["--url", peer.url], io)).toBe(EXIT.unavailable);
    expect(io.written.stderr).toContain("npm start");
  });

  test("prints with --plan what a function will load, from the manifest alone", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "unmask-plan-"));
    const { digest } = await tinyBundle(fileStore(folder));
    await rm(path.join(folder, "blobs"), { recursive: true, force: true });
    const io = recordedIo({ cwd: folder });
    expect(await status(["--plan", "--bundle", ".", "--model", "tiny"], io)).toBe(EXIT.done);
    const [model, ...lines] = io.written.stdout.trimEnd().split("\n");
    expect(model).toBe(`tiny 1, weights ${digest.slice(0, 12)}…`);
    expect(lines.slice(0, -1).map((line) => line.split(" ")[0])).toEqual(
      // The order of loading: the head, the largest session, is made before the layers take up memory.
      ["vision", "projector", "embed", "head", "layer-00", "layer-01"],
    );
    expect(lines.at(-1)).toMatch(/from the store, 0\.0 MB from disk, at most .* stage buffers$/);
    await rm(folder, { recursive: true });
  });

  test.each([
    [["--plan"], /needs --bundle/],
    [["--bundle", "."], /add --plan/],
    [["--plan", "--bundle", ".", "--json"], /asks no service/],
  ])("says what %j lacks", async (args, words) => {
    await expect(status(args, recordedIo())).rejects.toThrow(words);
  });
});
