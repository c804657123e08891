// Says which software Vulkan this machine has, and fetches SwiftShader where it has none and may install packages (root on
// Debian). `.ci/run` calls it before the tests. Ends with 0 either way: tests that need it are skipped by name. With --env it
// prints the variables alone: env $(node infra/gpu-check/fetch-software-vulkan.ts --env) COMMAND

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { ok, type Result, refuse } from "#domain/result.ts";
import { findSoftwareVulkan, swiftShaderFiles, vulkanCache } from "./software-vulkan.ts";

/** The package is 32 MB; a machine that takes longer than this for a step goes without. */
const FETCH_MS = 120_000;

/**
 * Takes the files of SwiftShader out of Debian's `chromium-common` package into the cache. Nothing is installed; what apt
 * downloads it has checked against the archive's signature.
 */
export function fetchSwiftShader(): Result<string, string> {
  const reason = whyNoPackages();
  if (reason !== null) return refuse(reason);
  mkdirSync(vulkanCache, { recursive: true });
  const work = mkdtempSync(path.join(vulkanCache, "fetch-"));
  try {
    download("chromium-common", work);
    const archive = readdirSync(work).find((name) => name.endsWith(".deb"));
    if (archive === undefined) return refuse("apt-get downloaded no chromium-common package");
    const inside = swiftShaderFiles.map((name) => `./usr/lib/chromium/${name}`);
    run(work, "sh", ["-c", 'dpkg-deb --fsys-tarfile "$0" | tar -x "$@"', archive, ...inside]);
    const folder = path.join(vulkanCache, "swiftshader");
    rmSync(folder, { recursive: true, force: true });
    renameSync(path.join(work, "usr/lib/chromium"), folder);
    return ok(folder);
  } catch (cause) {
    return refuse(
      `SwiftShader could not be fetched: ${cause instanceof Error ? cause.message : cause}`,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function whyNoPackages(): string | null {
  if (process.platform !== "linux" || !existsSync("/etc/debian_version"))
    return "only Debian's packages are known to bring it";
  return process.getuid?.() === 0 ? null : "fetching packages is left to root";
}

/** Package lists may be missing (container images have none) or too old to name a package that still exists. */
function download(name: string, folder: string): void {
  try {
    run(folder, "apt-get", ["download", "--quiet=2", name]);
  } catch {
    run(folder, "apt-get", ["update", "--quiet=2"]);
    run(folder, "apt-get", ["download", "--quiet=2", name]);
  }
}

function run(cwd: string, command: string, args: readonly string[]): void {
  execFileSync(command, args, { cwd, stdio: ["ignore", "ignore", "pipe"], timeout: FETCH_MS });
}

if (import.meta.main) {
  let found = findSoftwareVulkan();
  if (!found.ok && process.env["SOFTWARE_VULKAN"] === undefined) {
    const fetched = fetchSwiftShader();
    found = fetched.ok ? findSoftwareVulkan() : refuse(`${found.refusal} (${fetched.refusal})`);
  }
  if (found.ok && process.argv.includes("--env")) {
    for (const [name, value] of Object.entries(found.value.environment))
      console.log(`${name}=${value}`);
  } else
    console.log(
      `software Vulkan: ${found.ok ? `${found.value.driver}, ${found.value.manifest}` : found.refusal}`,
    );
}
