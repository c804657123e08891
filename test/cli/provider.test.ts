import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import { main } from "#cli/main.ts";
import { PROVIDER_FILES, RUNTIME_FILE } from "#inference/runtime/cuda/provider-folder.ts";
import { recordedIo } from "../support/edge-command-io.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "provider-command-"));
});
afterEach(() => rmSync(home, { recursive: true }));

function fill(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const files = [RUNTIME_FILE, ...PROVIDER_FILES].map((name) => {
    writeFileSync(path.join(folder, name), name);
    const sha256 = createHash("sha256").update(name).digest("hex");
    return { name, bytes: name.length, sha256 };
  });
  const record = { version: 1, onnxruntime: "1.30.0", files };
  writeFileSync(path.join(folder, "provider.json"), JSON.stringify(record));
}

describe("unmask provider cuda", () => {
  test("status says what lies where the settings point to, and how to get it where nothing does", async () => {
    const env = { HOME: home };
    const empty = recordedIo({ env });
    expect(await main(["provider", "cuda", "status"], empty)).toBe(EXIT.failed);
    expect(empty.written.stdout).toMatch(
      /its files are not in .*cuda-1\.30\.0 \(files_missing\)\nInstall them: /,
    );
    fill(path.join(home, ".local/share/unmask/cuda-1.30.0"));
    const filled = recordedIo({ env });
    expect(await main(["provider", "cuda", "status"], filled)).toBe(EXIT.done);
    expect(filled.written.stdout).toMatch(/^ONNX Runtime 1\.30\.0 with CUDA in /);
  });

  test("remove takes away what was installed, and nothing that was not", async () => {
    const folder = path.join(home, "cuda");
    const args = ["provider", "cuda", "remove", "--to", folder];
    mkdirSync(folder);
    writeFileSync(path.join(folder, "thesis.txt"), "the only copy");
    expect(await main(args, recordedIo())).toBe(EXIT.failed);
    expect(existsSync(path.join(folder, "thesis.txt"))).toBe(true);
    fill(folder);
    expect(await main(args, recordedIo())).toBe(EXIT.done);
    expect(existsSync(folder)).toBe(false);
  });

  test.each<[readonly string[], RegExp]>([
    [[], /there is nothing to install for ""/],
    [["webgpu", "install"], /there is nothing to install for "webgpu"/],
    [["cuda"], /takes install, status or remove/],
    [["cuda", "install"], /install needs --index URL \(or PIP_INDEX_URL\), or --from WHEEL/],
    [["cuda", "install", "--fast"], /Unknown option '--fast'/],
  ])("%j is wrong usage", async (args, complaint) => {
    const io = recordedIo({ env: {} });
    expect(await main(["provider", ...args], io)).toBe(EXIT.usage);
    expect(io.written.stderr).toMatch(complaint);
  });

  test("an index that is no address, or does not reply, is said in a sentence", async () => {
    const env = { HOME: home, PIP_INDEX_URL: "file:///simple" };
    const wrong = recordedIo({ env });
    expect(await main(["provider", "cuda", "install"], wrong)).toBe(EXIT.failed);
    expect(wrong.written.stderr).toBe(
      "unmask provider: the package index is no http or https address\nGive it as pip's --index-url, such as https://HOST/simple.\n",
    );
    const gone = recordedIo({ env: { ...env, PIP_INDEX_URL: "http://127.0.0.1:1/simple" } });
    expect(await main(["provider", "cuda", "install"], gone)).not.toBe(EXIT.done);
    expect(gone.written.stderr).toMatch(
      /127\.0\.0\.1:1\/simple\/onnxruntime-gpu\/ cannot be reached/,
    );
  });
});
