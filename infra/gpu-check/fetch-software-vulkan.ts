// Says which software Vulkan this machine has. Root on Debian gets lavapipe fetched where it is missing, or SwiftShader where
// lavapipe cannot be had. `.ci/run` calls this before the tests; it ends with 0 either way, and tests that need what is
// missing are skipped by name. With --env it prints variables alone:
//
//   env $(node infra/gpu-check/fetch-software-vulkan.ts --env) COMMAND

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { ok, type Result, refuse } from "#domain/result.ts";
import {
  findSoftwareVulkan,
  lavapipeFiles,
  type SoftwareDriver,
  type SoftwareVulkan,
  softwareDrivers,
  swiftShaderFiles,
  vulkanCache,
} from "./software-vulkan.ts";

/** A step fetches 80 MB at most; a machine that takes longer for one goes without. */
const STEP_MS = 120_000;

const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Libraries of one package may need another's: so many rounds, and what is missing then is missing. */
const MAX_ROUNDS = 6;

/**
 * Fetches a driver's packages and unpacks them into the cache. Nothing is installed, and no list of the system's is touched:
 * apt works in a folder of its own, and checks what it downloads against the signatures of Debian's archive.
 */
export function fetchSoftwareVulkan(driver: SoftwareDriver): Result<string, string> {
  const codename = debianCodename();
  if (codename === null) return refuse("only Debian's packages are known to bring it");
  if (process.getuid?.() !== 0) return refuse("fetching packages is left to root");
  mkdirSync(vulkanCache, { recursive: true });
  const work = mkdtempSync(path.join(vulkanCache, "fetch-"));
  try {
    const made = path.join(work, "made");
    mkdirSync(made);
    recipes[driver](work, made, codename);
    const folder = path.join(vulkanCache, driver);
    rmSync(folder, { recursive: true, force: true });
    renameSync(made, folder);
    return ok(folder);
  } catch (cause) {
    return refuse(
      `${driver} could not be fetched: ${cause instanceof Error ? cause.message.trim() : cause}`,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

type Recipe = (work: string, made: string, codename: string) => void;

/** How each driver's folder is made, in `made`, with `work` for what lies about. */
const recipes: Readonly<Record<SoftwareDriver, Recipe>> = {
  lavapipe(work, made, codename) {
    // Debian 12's own Mesa is too old; later ones bring a driver that is new enough.
    const suites = codename === "bookworm" ? [codename, `${codename}-backports`] : [codename];
    const apt = privateApt(work, suites);
    const target = ["--target-release", suites.at(-1)!];
    apt("download", ...target, "mesa-vulkan-drivers", "libvulkan1");
    const missing = ["install", "--yes", "--no-install-recommends", "--download-only"];
    apt(...missing, ...target, "mesa-vulkan-drivers");
    unpack(work);
    const libraries = path.join(made, lavapipeFiles.libraries);
    mkdirSync(libraries);
    const driver = path.join(made, lavapipeFiles.driver);
    copyFileSync(unpacked(work, lavapipeFiles.driver), driver);
    copyFileSync(unpacked(work, lavapipeFiles.loader), path.join(made, lavapipeFiles.loader));
    const manifest = readFileSync(unpacked(work, /^lvp_icd\..*json$/), "utf8");
    const { ICD, ...rest } = JSON.parse(manifest) as { ICD: Record<string, string> };
    const own = { ...rest, ICD: { ...ICD, library_path: `./${lavapipeFiles.driver}` } };
    writeFileSync(path.join(made, lavapipeFiles.manifest), JSON.stringify(own));
    copyMissingLibraries(work, driver, libraries);
  },
  swiftshader(work, made, codename) {
    privateApt(work, [codename, `${codename}-security`])("download", "chromium-common");
    unpack(work);
    for (const name of swiftShaderFiles) copyFileSync(unpacked(work, name), path.join(made, name));
  },
};

/** `bookworm`, or null where this is no Debian. */
function debianCodename(): string | null {
  if (process.platform !== "linux" || !existsSync(KEYS)) return null;
  const release = readFileSync("/etc/os-release", "utf8");
  if (!/^ID=debian$/m.test(release)) return null;
  return /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1] ?? null;
}

/** apt-get with sources, lists and downloads of its own; it reads the system's for what is installed, and writes nothing there. */
function privateApt(work: string, suites: readonly string[]): (...args: string[]) => void {
  const folders = { lists: "lists/partial", archives: "archives/partial", parts: "parts" };
  for (const name of Object.values(folders)) mkdirSync(path.join(work, name), { recursive: true });
  const sources = suites.map((suite) => {
    const archive = suite.endsWith("-security") ? "debian-security" : "debian";
    return `deb [signed-by=${KEYS}] http://deb.debian.org/${archive} ${suite} main\n`;
  });
  writeFileSync(path.join(work, "sources.list"), sources.join(""));
  const settings = {
    "Dir::Etc::SourceList": path.join(work, "sources.list"),
    "Dir::Etc::SourceParts": path.join(work, "parts"),
    "Dir::State::Lists": path.join(work, "lists"),
    "Dir::Cache": work,
    "Dir::Cache::Archives": path.join(work, "archives"),
    "Acquire::Languages": "none",
    "Acquire::http::Timeout": "10",
    // apt's own user may not write into a folder of root's.
    "APT::Sandbox::User": "root",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const apt = (...args: string[]): void => {
    run(path.join(work, "archives"), "apt-get", [...options, "--quiet=2", ...args]);
  };
  apt("update");
  return apt;
}

function unpack(work: string): void {
  const archives = path.join(work, "archives");
  for (const name of readdirSync(archives).filter((file) => file.endsWith(".deb")))
    run(archives, "dpkg-deb", ["--extract", name, path.join(work, "root")]);
}

/** The path of a file of the packages, wherever they put it. Throws if they have none of the name. */
function unpacked(work: string, name: string | RegExp): string {
  const root = path.join(work, "root");
  const found = readdirSync(root, { recursive: true, encoding: "utf8" }).find((file) => {
    const base = path.basename(file);
    return typeof name === "string" ? base === name : name.test(base);
  });
  if (found === undefined) throw new Error(`the packages hold no ${name}`);
  return path.join(root, found);
}

/** Copies those libraries that a library needs, be it through another, and that the system lacks. */
function copyMissingLibraries(work: string, library: string, into: string): void {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const env = { ...process.env, LD_LIBRARY_PATH: into };
    const listed = execFileSync("ldd", [library], { encoding: "utf8", env });
    const missing = [...listed.matchAll(/^\s*(\S+) => not found$/gm)].map((match) => match[1]!);
    if (missing.length === 0) return;
    // copyFile follows the link that a library's short name is.
    for (const name of missing) copyFileSync(unpacked(work, name), path.join(into, name));
  }
}

function run(cwd: string, command: string, args: readonly string[]): void {
  execFileSync(command, args, { cwd, stdio: ["ignore", "ignore", "pipe"], timeout: STEP_MS });
}

/** What is there; or else what can be fetched, the better driver first. */
function findOrFetch(): Result<SoftwareVulkan, string> {
  const found = findSoftwareVulkan();
  if (process.env["SOFTWARE_VULKAN"] || (found.ok && found.value.driver === softwareDrivers[0]))
    return found;
  const reasons: string[] = [];
  for (const driver of softwareDrivers) {
    if (found.ok && found.value.driver === driver) break;
    const fetched = fetchSoftwareVulkan(driver);
    if (fetched.ok) return findSoftwareVulkan();
    if (!reasons.includes(fetched.refusal)) reasons.push(fetched.refusal);
  }
  if (reasons.length > 0) console.error(`software Vulkan: ${reasons.join("; ")}`);
  return found;
}

if (import.meta.main) {
  const found = findOrFetch();
  if (!process.argv.includes("--env")) {
    const words = found.ok ? `${found.value.driver}, ${found.value.manifest}` : found.refusal;
    console.log(`software Vulkan: ${words}`);
  } else if (found.ok) {
    for (const [name, value] of Object.entries(found.value.environment))
      console.log(`${name}=${value}`);
  } else {
    console.error(found.refusal);
    process.exitCode = 1;
  }
}
