import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { CUDA_LIBRARIES } from "#inference/runtime/cuda/provider-folder.ts";

/** Where CUDA 13 lies as a toolkit. */
const TOOLKITS = ["/usr/local/cuda/lib64", "/usr/local/cuda-13/lib64", "/usr/lib/x86_64-linux-gnu"];

/** Asks Python where its packages lie: PyTorch brings CUDA's libraries as packages. */
const PACKAGES = "import site, sys; print('\\n'.join([*site.getsitepackages(), *sys.path]))";

/** Folders that together hold the libraries which the CUDA provider is built on, and those that no folder has. */
export function findCudaLibraries(): {
  readonly folders: readonly string[];
  readonly missing: readonly string[];
} {
  const places = [...new Set([...TOOLKITS, ...pythonFolders()])].filter((folder) =>
    existsSync(folder),
  );
  const folders = new Set<string>();
  const missing: string[] = [];
  for (const library of CUDA_LIBRARIES) {
    const folder = places.find((place) => existsSync(path.join(place, library)));
    if (folder === undefined) missing.push(library);
    else folders.add(folder);
  }
  return { folders: [...folders], missing };
}

/** `nvidia/cu13/lib`, or a folder for each library as older packages have it. */
function pythonFolders(): readonly string[] {
  try {
    const said = execFileSync("python3", ["-c", PACKAGES], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 20_000,
    });
    return said
      .split("\n")
      .map((folder) => path.join(folder, "nvidia"))
      .filter((folder) => path.isAbsolute(folder) && existsSync(folder))
      .flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name, "lib")));
  } catch {
    // No Python there: then no packages of its.
    return [];
  }
}
