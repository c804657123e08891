import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadCudaRuntime } from "#inference/runtime/cuda/cuda-runtime.ts";
import { packagedRuntime } from "#inference/runtime/cuda/packaged-runtime.ts";
import {
  CUDA_RUNTIME_VERSION,
  checkProviderFolder,
  PROVIDER_FILES,
  RUNTIME_FILE,
} from "#inference/runtime/cuda/provider-folder.ts";
import { loadRuntimeOffThread } from "#inference/runtime/off-thread.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "provider-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => path.join(folder, name);

/** Files of a provider that are none, in a folder that says they are. */
function fill(onnxruntime: string = CUDA_RUNTIME_VERSION): void {
  const files = [RUNTIME_FILE, ...PROVIDER_FILES].map((name) => {
    const bytes = Buffer.from(`this is ${name}`);
    writeFileSync(at(name), bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { name, bytes: bytes.byteLength, sha256 };
  });
  writeFileSync(at("provider.json"), JSON.stringify({ version: 1, onnxruntime, files }));
}

describe("a provider's folder", () => {
  test("is that of the runtime whose version npm brings: the two must be raised together", () => {
    expect(packagedRuntime().version).toBe(CUDA_RUNTIME_VERSION);
  });

  test("is taken where every file is what its list says", async () => {
    fill();
    expect((await checkProviderFolder(folder)).files).toHaveLength(3);
  });

  test("that is not there says how to make one", async () => {
    await expect(checkProviderFolder(at("nowhere"))).rejects.toMatchObject({
      kind: "files_missing",
      next: expect.stringContaining("unmask -- provider cuda install --index URL"),
    });
  });

  test.each<readonly [string, () => void, RegExp]>([
    ["another version's", () => fill("1.31.1"), /of ONNX Runtime 1\.31\.1, this is 1\.30\.0/],
    [
      "a byte differs",
      () => writeFileSync(at(PROVIDER_FILES[1]), `this IS ${PROVIDER_FILES[1]}`),
      /providers_cuda\.so is not what was installed \(sha256\)/,
    ],
    [
      "one is cut short",
      () => truncateSync(at(PROVIDER_FILES[1]), 3),
      /providers_cuda\.so has 3 bytes, installed were 40/,
    ],
    ["one is gone", () => rmSync(at(RUNTIME_FILE)), /libonnxruntime\.so\.1 is missing/],
    [
      "the list lacks one",
      () =>
        writeFileSync(
          at("provider.json"),
          JSON.stringify({ version: 1, onnxruntime: CUDA_RUNTIME_VERSION, files: [] }),
        ),
      /lacks libonnxruntime\.so\.1, libonnxruntime_providers_shared\.so/,
    ],
    ["the list is none", () => writeFileSync(at("provider.json"), "{"), /is not a list/],
    [
      "the list leads out of the folder",
      () =>
        writeFileSync(
          at("provider.json"),
          JSON.stringify({
            version: 1,
            onnxruntime: CUDA_RUNTIME_VERSION,
            files: [{ name: "../lib.so", bytes: 1, sha256: "0".repeat(64) }],
          }),
        ),
      /is not a list/,
    ],
    [
      "the list is endless",
      () => writeFileSync(at("provider.json"), " ".repeat(100_000)),
      /100000 bytes, which is no such list/,
    ],
  ])("is refused where %s", async (_, spoil, why) => {
    fill();
    spoil();
    await expect(checkProviderFolder(folder)).rejects.toMatchObject({
      kind: "files_wrong",
      why: expect.stringMatching(why),
    });
  });

  test("is checked before anything in it is loaded", async () => {
    fill();
    writeFileSync(at(RUNTIME_FILE), "altered");
    await expect(loadCudaRuntime({ folder, device: 0 })).rejects.toThrow("(files_wrong)");
  });

  test("what cannot be loaded is told through the runtime's thread, by the provider's name and with what to do", async () => {
    const loading = loadRuntimeOffThread("cuda", undefined, { folder: at("nowhere"), device: 0 });
    await expect(loading).rejects.toMatchObject({
      message: "the runtime of provider cuda cannot be loaded",
      cause: { message: expect.stringMatching(/\(files_missing\).*provider cuda install/) },
    });
  });
});
