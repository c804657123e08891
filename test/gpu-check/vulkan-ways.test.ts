import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type VulkanPlaces, vulkanWays } from "../../infra/gpu-check/run/vulkan-ways.ts";

let folder = "";
let places: VulkanPlaces = { manifests: [], libraries: [], packed: "", scratch: "" };

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unmask-ways-"));
  places = {
    manifests: [path.join(folder, "icd.d"), path.join(folder, "none")],
    libraries: [path.join(folder, "lib")],
    packed: path.join(folder, "packed"),
    scratch: path.join(folder, "scratch"),
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function have(...files: readonly string[]): Promise<void> {
  for (const file of files) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), "{}");
  }
}

const names = (env: NodeJS.ProcessEnv = {}) => vulkanWays(env, places).map(({ name }) => name);

describe("the ways to Vulkan", () => {
  test("are the machine's drivers, GPUs before those that compute on the CPU, and the pack's at last", async () => {
    await have("icd.d/lvp_icd.json", "icd.d/nvidia_icd.json", "packed/vk_swiftshader_icd.json");
    const ways = vulkanWays({}, places);
    expect(ways.map(({ name, isSoftware }) => [name, isSoftware])).toEqual([
      ["nvidia_icd.json", false],
      ["lvp_icd.json", true],
      ["vk_swiftshader_icd.json", true],
    ]);
    expect(ways[0]?.environment).toEqual({
      VK_DRIVER_FILES: path.join(folder, "icd.d/nvidia_icd.json"),
      VK_ICD_FILENAMES: path.join(folder, "icd.d/nvidia_icd.json"),
    });
  });

  test("lead to NVIDIA's driver in a container that has its libraries and no manifest", async () => {
    await have("lib/libGLX_nvidia.so.0", "lib/libEGL_nvidia.so.0", "lib/libvulkan.so.1");
    const [first, second] = vulkanWays({}, places);
    expect([first?.name, second?.name]).toEqual(["libGLX_nvidia.json", "libEGL_nvidia.json"]);
    const manifest = JSON.parse(
      await readFile(first?.environment["VK_DRIVER_FILES"] ?? "", "utf8"),
    );
    expect(manifest.ICD.library_path).toBe(path.join(folder, "lib/libGLX_nvidia.so.0"));
    expect(first?.environment["LD_LIBRARY_PATH"]).toBe(path.join(folder, "lib"));
  });

  test("lead to it too where the manifest that is there may name what the linker does not find", async () => {
    await have("lib/libGLX_nvidia.so.0", "icd.d/nvidia_icd.json");
    expect(names()).toEqual(["nvidia_icd.json", "libGLX_nvidia.json"]);
  });

  test("have the pack's loader where the machine has none", async () => {
    await have("icd.d/nvidia_icd.json", "packed/loader/libvulkan.so.1");
    const loader = path.join(folder, "packed/loader");
    const [way] = vulkanWays({ LD_LIBRARY_PATH: "/opt/lib" }, places);
    expect(way?.environment["LD_LIBRARY_PATH"]).toBe(`${loader}:/opt/lib`);
    await have("lib/libvulkan.so.1");
    expect(vulkanWays({}, places)[0]?.environment).not.toHaveProperty("LD_LIBRARY_PATH");
  });

  test("are the one that the caller names, and none where there is no driver", async () => {
    expect(names()).toEqual([]);
    await have("icd.d/nvidia_icd.json");
    expect(names({ VK_DRIVER_FILES: "/opt/lvp_icd.json" })).toEqual(["lvp_icd.json"]);
  });
});
