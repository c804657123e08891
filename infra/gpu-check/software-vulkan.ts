import { existsSync, lstatSync, mkdirSync, readlinkSync, renameSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { ok, type Result, refuse } from "#domain/result.ts";

/** A Vulkan driver that computes on the CPU: what stands in for a GPU where there is none. */
export interface SoftwareVulkan {
  readonly driver: "SwiftShader" | "lavapipe";
  /** Whether its shaders have 16-bit floats (`shader-f16`). */
  readonly hasF16: boolean;
  /** The loader, `libvulkan.so.1`. */
  readonly loader: string;
  /** The driver's manifest, a JSON file that names its library. */
  readonly manifest: string;
  /**
   * Variables of a process that is to compute on it, and on no GPU that the machine may have. The dynamic linker reads its
   * own when a process starts: setting them in one that runs does nothing.
   */
  readonly environment: Readonly<Record<string, string>>;
}

/** Where everything that we fetch for this lies; several checkouts share it. */
export const vulkanCache: string = path.join(
  process.env["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"),
  "unmask/software-vulkan",
);

/** Files that a browser of the Chromium family carries side by side. */
export const swiftShaderFiles = [
  "libvulkan.so.1",
  "libvk_swiftshader.so",
  "vk_swiftshader_icd.json",
] as const;

/** Where browsers lie, and where `fetchSwiftShader` puts their files. */
function browserFolders(env: NodeJS.ProcessEnv): readonly string[] {
  return [
    ...(env["CHROMIUM_PATH"] ? [path.dirname(env["CHROMIUM_PATH"])] : []),
    "/usr/lib/chromium",
    "/usr/lib/chromium-browser",
    "/opt/google/chrome",
    path.join(vulkanCache, "swiftshader"),
  ];
}

/**
 * Finds software Vulkan on this machine, or says what is missing and what would bring it. `SOFTWARE_VULKAN` names a folder
 * with `swiftShaderFiles`, or says `none` for a machine that is to be taken as one without.
 */
export function findSoftwareVulkan(
  env: NodeJS.ProcessEnv = process.env,
): Result<SoftwareVulkan, string> {
  const wanted = env["SOFTWARE_VULKAN"];
  if (wanted === "none") return refuse("SOFTWARE_VULKAN says none");
  const folders = wanted ? [wanted] : browserFolders(env);
  const folder = folders.find((candidate) =>
    swiftShaderFiles.every((name) => existsSync(path.join(candidate, name))),
  );
  if (folder !== undefined) return ok(swiftShader(folder, env));
  return refuse(
    wanted
      ? `SOFTWARE_VULKAN names ${wanted}, which lacks ${swiftShaderFiles.join(", ")}`
      : 'no software Vulkan found; on Debian "apt-get install chromium" brings SwiftShader',
  );
}

function swiftShader(folder: string, env: NodeJS.ProcessEnv): SoftwareVulkan {
  const loader = path.join(folder, "libvulkan.so.1");
  const manifest = path.join(folder, "vk_swiftshader_icd.json");
  return {
    driver: "SwiftShader",
    hasF16: false,
    ...{ loader, manifest },
    environment: environmentOf(loader, manifest, env),
  };
}

/** A browser's folder holds more libraries than the loader, which would shadow the system's; so only a link to it is in the path. */
function environmentOf(
  loader: string,
  manifest: string,
  env: NodeJS.ProcessEnv,
): Readonly<Record<string, string>> {
  const folder = path.join(vulkanCache, "loader", path.dirname(loader).replaceAll(path.sep, "_"));
  link(loader, path.join(folder, "libvulkan.so.1"));
  const others = (env["LD_LIBRARY_PATH"] ?? "")
    .split(":")
    .filter((name) => name && name !== folder);
  return {
    LD_LIBRARY_PATH: [folder, ...others].join(":"),
    // The loader's name for the list of drivers, and its older one, which distributions' loaders may still read.
    VK_DRIVER_FILES: manifest,
    VK_ICD_FILENAMES: manifest,
  };
}

/** Puts a link where it is to be, in one step: other processes may be looking for it at this moment. */
function link(target: string, at: string): void {
  if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(at) === target)
    return;
  mkdirSync(path.dirname(at), { recursive: true });
  const own = `${at}.${process.pid}`;
  symlinkSync(target, own);
  renameSync(own, at);
}
