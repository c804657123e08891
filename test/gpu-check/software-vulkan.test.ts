import { mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findSoftwareVulkan, swiftShaderFiles } from "../../infra/gpu-check/software-vulkan.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unmask-vulkan-"));
  for (const name of [...swiftShaderFiles, "libGLESv2.so"])
    await writeFile(path.join(folder, name), "");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("software Vulkan", () => {
  test("beside the Chromium that is named is taken, its loader alone in the path of libraries", async () => {
    const found = findSoftwareVulkan({
      SOFTWARE_VULKAN: "swiftshader",
      CHROMIUM_PATH: path.join(folder, "chromium"),
      LD_LIBRARY_PATH: "/opt/lib",
    });
    if (!found.ok) throw new Error(found.refusal);
    expect(found.value).toMatchObject({ driver: "swiftshader", hasF16: false });
    const { LD_LIBRARY_PATH = "", ...drivers } = found.value.environment;
    const manifest = path.join(folder, "vk_swiftshader_icd.json");
    expect(drivers).toEqual({ VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest });
    const [own = "", ...others] = LD_LIBRARY_PATH.split(":");
    expect(others).toEqual(["/opt/lib"]);
    expect(await readdir(own)).toEqual(["libvulkan.so.1"]);
    expect(await realpath(path.join(own, "libvulkan.so.1"))).toBe(
      await realpath(path.join(folder, "libvulkan.so.1")),
    );
    await rm(own, { recursive: true });
  });

  test.each([
    ["none", "SOFTWARE_VULKAN says none"],
    ["dosbox", "SOFTWARE_VULKAN says dosbox; it may say none or lavapipe or swiftshader"],
  ])("is refused by name where SOFTWARE_VULKAN says %s", (wanted, refusal) => {
    expect(findSoftwareVulkan({ SOFTWARE_VULKAN: wanted })).toEqual({ ok: false, refusal });
  });
});
