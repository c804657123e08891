import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
} from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { ok, type Result, refuse } from "#domain/result.ts";

/** Drivers that we know to run ONNX Runtime's WebGPU provider, the better one first (f16, and ten times as fast). */
export const softwareDrivers = ["lavapipe", "swiftshader"] as const;

/** One of `softwareDrivers`. */
export type SoftwareDriver = (typeof softwareDrivers)[number];

/** A Vulkan driver that computes on the CPU: what stands in for a GPU where there is none. */
export interface SoftwareVulkan {
  readonly driver: SoftwareDriver;
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

/** Files of a driver on this machine. */
interface Candidate {
  readonly driver: SoftwareDriver;
  readonly loader: string;
  readonly manifest: string;
  /** A folder of libraries that the driver needs and the system lacks. */
  readonly libraries?: string;
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

/** What `fetchLavapipe` puts into its folder; `lib` holds what it needs and this system lacks. */
export const lavapipeFiles = {
  loader: "libvulkan.so.1",
  driver: "libvulkan_lvp.so",
  manifest: "lvp_icd.json",
  libraries: "lib",
} as const;

/** Mesa 25, tried, speaks 1.4; that of Debian 12 (22.3.6, 1.3) lacks what Dawn asks of a device. */
const MINIMUM_MESA_API = [1, 4];

/**
 * Finds software Vulkan on this machine, or says what is missing and what would bring it. `SOFTWARE_VULKAN` names the driver
 * to take, or says `none` for a machine that is to be taken as one without.
 */
export function findSoftwareVulkan(
  env: NodeJS.ProcessEnv = process.env,
): Result<SoftwareVulkan, string> {
  const wanted = env["SOFTWARE_VULKAN"] || undefined;
  if (wanted === "none") return refuse("SOFTWARE_VULKAN says none");
  if (wanted !== undefined && !softwareDrivers.some((driver) => driver === wanted))
    return refuse(
      `SOFTWARE_VULKAN says ${wanted}; it may say none or ${softwareDrivers.join(" or ")}`,
    );
  const found = candidates(env).find(
    (candidate) => candidate.driver === (wanted ?? candidate.driver) && isThere(candidate),
  );
  if (found !== undefined) return ok(describe(found, env));
  return refuse(
    `no ${wanted ?? "software Vulkan"} found; on Debian "node infra/gpu-check/fetch-software-vulkan.ts" brings it, as root`,
  );
}

function candidates(env: NodeJS.ProcessEnv): readonly Candidate[] {
  const fetched = path.join(vulkanCache, "lavapipe");
  const browsers = [
    ...(env["CHROMIUM_PATH"] ? [path.dirname(env["CHROMIUM_PATH"])] : []),
    "/usr/lib/chromium",
    "/usr/lib/chromium-browser",
    "/opt/google/chrome",
    path.join(vulkanCache, "swiftshader"),
  ];
  return [
    {
      driver: "lavapipe",
      loader: path.join(fetched, lavapipeFiles.loader),
      manifest: path.join(fetched, lavapipeFiles.manifest),
      libraries: path.join(fetched, lavapipeFiles.libraries),
    },
    ...systemLavapipes(),
    ...browsers.map((folder): Candidate => {
      const [loader, , manifest] = swiftShaderFiles.map((name) => path.join(folder, name));
      return { driver: "swiftshader", loader: loader!, manifest: manifest! };
    }),
  ];
}

function systemLavapipes(): readonly Candidate[] {
  const triplet = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" }[process.arch as string];
  const loader = [`/usr/lib/${triplet}/libvulkan.so.1`, "/usr/lib64/libvulkan.so.1"].find((file) =>
    existsSync(file),
  );
  if (loader === undefined) return [];
  const machine = { x64: "x86_64", arm64: "aarch64" }[process.arch as string];
  return ["lvp_icd.json", `lvp_icd.${machine}.json`]
    .map((name) => path.join("/usr/share/vulkan/icd.d", name))
    .map((manifest) => ({ driver: "lavapipe", loader, manifest }));
}

function isThere({ driver, loader, manifest }: Candidate): boolean {
  if (!existsSync(loader) || !existsSync(manifest)) return false;
  if (driver === "swiftshader") return true;
  const { ICD } = JSON.parse(readFileSync(manifest, "utf8")) as { ICD: { api_version: string } };
  const [major = 0, minor = 0] = ICD.api_version.split(".").map(Number);
  const [least = 0, leastMinor = 0] = MINIMUM_MESA_API;
  return major > least || (major === least && minor >= leastMinor);
}

function describe(candidate: Candidate, env: NodeJS.ProcessEnv): SoftwareVulkan {
  const { driver, loader, manifest } = candidate;
  const environment = environmentOf(candidate, env);
  return { driver, hasF16: driver === "lavapipe", loader, manifest, environment };
}

/**
 * Of the loader's folder only a link to the loader is in the path of libraries: beside it a browser has libraries that would
 * shadow the system's.
 */
function environmentOf(
  { loader, manifest, libraries }: Candidate,
  env: NodeJS.ProcessEnv,
): Readonly<Record<string, string>> {
  const folder = path.join(vulkanCache, "loader", path.dirname(loader).replaceAll(path.sep, "_"));
  link(loader, path.join(folder, "libvulkan.so.1"));
  const own = [folder, ...(libraries === undefined ? [] : [libraries])];
  const others = (env["LD_LIBRARY_PATH"] ?? "")
    .split(":")
    .filter((name) => name && !own.includes(name));
  return {
    LD_LIBRARY_PATH: [...own, ...others].join(":"),
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
