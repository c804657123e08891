import { readdirSync } from "node:fs";
import path from "node:path";
import { type Koffi, loadKoffi, openLibrary } from "../runtime/c-api/koffi.ts";
import type { VulkanAdapter, VulkanFindings } from "./findings.ts";

/** Looks at Vulkan on Linux: loader, drivers, devices. To be run in a process of its own: drivers are loaded. */
export async function findVulkan(
  env: Readonly<Record<string, string | undefined>>,
): Promise<VulkanFindings> {
  const manifests = driverManifests(env);
  const koffi = await loadKoffi();
  let library: ReturnType<Koffi["load"]>;
  try {
    library = openLibrary(koffi, "libvulkan.so.1");
  } catch {
    return {
      ...{ hasLoader: false, manifests, adapters: [] },
      troubles: [
        {
          kind: "vulkan_missing",
          why: "the Vulkan loader is not installed (libvulkan.so.1 is not found)",
          next: "Install it (Debian and Ubuntu: apt-get install libvulkan1) and the driver of the card",
        },
      ],
    };
  }
  const adapters = listAdapters(library);
  if (adapters.length > 0) return { hasLoader: true, manifests, adapters, troubles: [] };
  return {
    ...{ hasLoader: true, manifests, adapters },
    troubles: [
      {
        kind: "no_gpu",
        why:
          manifests.length === 0
            ? "no Vulkan driver is installed"
            : `no device answers to the Vulkan drivers (${manifests.join(", ")})`,
        next: "Install the card's driver; in a container, pass the card and its driver's Vulkan files in (NVIDIA: NVIDIA_DRIVER_CAPABILITIES=all)",
      },
    ],
  };
}

/** Where the loader looks for drivers. Source: LoaderDriverInterface.md of Vulkan-Loader, "Driver Discovery on Linux". */
function driverManifests(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const named = env["VK_DRIVER_FILES"] ?? env["VK_ICD_FILENAMES"];
  if (named !== undefined && named !== "") return named.split(":");
  const home = env["HOME"] ?? "";
  const folders = [
    path.join(env["XDG_CONFIG_HOME"] ?? path.join(home, ".config"), "vulkan/icd.d"),
    "/etc/vulkan/icd.d",
    path.join(env["XDG_DATA_HOME"] ?? path.join(home, ".local/share"), "vulkan/icd.d"),
    "/usr/local/share/vulkan/icd.d",
    "/usr/share/vulkan/icd.d",
  ];
  return folders.flatMap((folder) => {
    try {
      return readdirSync(folder)
        .filter((name) => name.endsWith(".json"))
        .map((name) => path.join(folder, name));
    } catch {
      return []; // Few systems have them all.
    }
  });
}

/** More than any machine has. */
const MAX_DEVICES = 64;

const kinds = ["other", "integrated", "discrete", "virtual", "software"] as const;

/** Names the devices of all drivers. Source: vulkan_core.h 1.0, whose structures are fixed. */
function listAdapters(library: ReturnType<Koffi["load"]>): readonly VulkanAdapter[] {
  const create = library.func("vkCreateInstance", "int", ["void *", "void *", "void *"]);
  const enumerate = library.func("vkEnumeratePhysicalDevices", "int", [
    "void *",
    "void *",
    "void *",
  ]);
  const properties = library.func("vkGetPhysicalDeviceProperties", "void", ["void *", "void *"]);
  const memory = library.func("vkGetPhysicalDeviceMemoryProperties", "void", ["void *", "void *"]);
  const destroy = library.func("vkDestroyInstance", "void", ["void *", "void *"]);
  // VkInstanceCreateInfo: sType 1, everything else 0.
  const info = new Uint8Array(64);
  info[0] = 1;
  const instance = new BigUint64Array(1);
  if (create(info, null, instance) !== 0) return [];
  const count = Uint32Array.of(MAX_DEVICES);
  const devices = new BigUint64Array(MAX_DEVICES);
  enumerate(instance[0], count, devices);
  const adapters = Array.from(devices.subarray(0, count[0]), (device): VulkanAdapter => {
    const described = new Uint8Array(4096);
    properties(device, described);
    const heaps = new Uint8Array(1024);
    memory(device, heaps);
    return { ...readProperties(described), memoryBytes: ownMemory(heaps) };
  });
  destroy(instance[0], null);
  return adapters;
}

/** VkPhysicalDeviceProperties: apiVersion, driverVersion, vendorID, deviceID, deviceType, then deviceName of 256 bytes. */
function readProperties(bytes: Uint8Array<ArrayBuffer>): Omit<VulkanAdapter, "memoryBytes"> {
  const view = new DataView(bytes.buffer);
  const version = view.getUint32(0, true);
  const name = new TextDecoder().decode(bytes.subarray(20, 276));
  return {
    name: name.slice(0, name.indexOf("\0")),
    kind: kinds[view.getUint32(16, true)] ?? "other",
    vulkan: [version >>> 22, (version >>> 12) & 0x3ff, version & 0xfff].join("."),
  };
}

/** VkPhysicalDeviceMemoryProperties: 32 types of 8 bytes behind their count, then 16 heaps of size and flags behind theirs. */
function ownMemory(bytes: Uint8Array<ArrayBuffer>): number {
  const view = new DataView(bytes.buffer);
  const DEVICE_LOCAL = 1;
  const sizes = Array.from({ length: view.getUint32(260, true) }, (_, heap) => {
    const at = 264 + 16 * heap;
    const isOwn = (view.getUint32(at + 8, true) & DEVICE_LOCAL) !== 0;
    return isOwn ? Number(view.getBigUint64(at, true)) : 0;
  });
  return Math.max(0, ...sizes);
}
