import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";

/** One way to a Vulkan driver: variables that a process is started with. */
export interface VulkanWay {
  /** What the driver is known by: the name of its manifest. */
  readonly name: string;
  /** Whether it computes on the CPU. */
  readonly isSoftware: boolean;
  readonly environment: Readonly<Record<string, string>>;
}

/** Where things are looked for; a test looks elsewhere. */
export interface VulkanPlaces {
  readonly manifests: readonly string[];
  readonly libraries: readonly string[];
  /** The pack's own: a loader for machines without one, and SwiftShader. */
  readonly packed: string;
  /** Where manifests may be written. */
  readonly scratch: string;
}

export const systemManifests: readonly string[] = [
  "/usr/share/vulkan/icd.d",
  "/etc/vulkan/icd.d",
  "/usr/local/share/vulkan/icd.d",
  "/usr/local/nvidia/share/vulkan/icd.d",
];

export const systemLibraries: readonly string[] = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
  "/usr/local/nvidia/lib64",
  "/usr/local/nvidia/lib",
];

/**
 * NVIDIA's driver as a Vulkan driver. Containers often have the libraries and no manifest; the second works where there is no X11.
 */
const NVIDIA_LIBRARIES = ["libGLX_nvidia.so.0", "libEGL_nvidia.so.0"];

/** What Vulkan's loader takes for a manifest of NVIDIA's. */
const API_VERSION = "1.3.0";

/** All ways to Vulkan on this machine, GPUs before software. One that the caller's environment names is the only one. */
export function vulkanWays(env: NodeJS.ProcessEnv, places: VulkanPlaces): readonly VulkanWay[] {
  const loader = loaderFolder(env, places);
  const way = (manifest: string, libraries?: string): VulkanWay => {
    const folders = [loader, libraries, env["LD_LIBRARY_PATH"]].filter((folder) => folder);
    return {
      name: path.basename(manifest),
      isSoftware: /lvp|lavapipe|swiftshader/i.test(manifest),
      environment: {
        VK_DRIVER_FILES: manifest,
        VK_ICD_FILENAMES: manifest,
        ...(folders.length === 0 ? {} : { LD_LIBRARY_PATH: folders.join(":") }),
      },
    };
  };
  const told = env["VK_DRIVER_FILES"] ?? env["VK_ICD_FILENAMES"];
  if (told) return [way(told)];
  const found = [
    ...listed(places.manifests).map((manifest) => way(manifest)),
    ...writtenForNvidia(places).map(({ manifest, folder }) => way(manifest, folder)),
  ];
  const own = path.join(places.packed, "vk_swiftshader_icd.json");
  const all = [...found, ...(existsSync(own) ? [way(own)] : [])];
  return [
    ...all.filter(({ isSoftware }) => !isSoftware),
    ...all.filter(({ isSoftware }) => isSoftware),
  ];
}

/** The folder of the pack's loader; undefined where the system has one. */
function loaderFolder(env: NodeJS.ProcessEnv, places: VulkanPlaces): string | undefined {
  const folders = [...(env["LD_LIBRARY_PATH"] ?? "").split(":"), ...places.libraries];
  const hasLoader = folders.some((folder) => existsSync(path.join(folder, "libvulkan.so.1")));
  const own = path.join(places.packed, "loader");
  return hasLoader || !existsSync(own) ? undefined : own;
}

function listed(folders: readonly string[]): readonly string[] {
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith(".json"))
        .map((name) => path.join(folder, name)),
    );
}

/** Manifests that we write ourselves: those that are listed may name a library that the linker does not find. */
function writtenForNvidia({
  libraries,
  scratch,
}: VulkanPlaces): readonly { manifest: string; folder: string }[] {
  return NVIDIA_LIBRARIES.flatMap((name) => {
    const folder = libraries.find((candidate) => existsSync(path.join(candidate, name)));
    if (folder === undefined) return [];
    mkdirSync(scratch, { recursive: true });
    const manifest = path.join(scratch, `${name.split(".")[0]}.json`);
    const ICD = { library_path: path.join(folder, name), api_version: API_VERSION };
    writeFileSync(manifest, JSON.stringify({ file_format_version: "1.0.0", ICD }));
    return [{ manifest, folder }];
  });
}
