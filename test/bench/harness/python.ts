import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { runProcess } from "./run-process.ts";

const FOLDER = "test/bench/harness";

/** In the order in which they are installed; what only runs models on this machine is left out, so the harnesses come without what they list. */
const STEPS = [
  {
    file: `${FOLDER}/requirements.txt`,
    args: [],
    what: "libraries (on Linux 7 GB, since torch brings CUDA's: ten minutes)",
  },
  { file: `${FOLDER}/harnesses.txt`, args: ["--no-deps"], what: "the harnesses" },
] as const;

/** A machine that takes longer than half an hour for it has no network to speak of. */
const INSTALL_MS = 1_800_000;

/**
 * The Python in which both harnesses are installed, made once for each list of versions and each Python. Throws where there is none from 3.10
 * on, or where it cannot install.
 */
export async function harnessPython(say: (words: string) => void): Promise<string> {
  const base = basePython();
  const hash = createHash("sha256").update(base.version);
  for (const { file } of STEPS) hash.update(readFileSync(file));
  const cache = path.join(
    process.env["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"),
    "unmask/harness",
  );
  const folder = path.join(cache, hash.digest("hex").slice(0, 16));
  const python = path.join(folder, "bin/python");
  const whole = path.join(folder, "installed");
  if (existsSync(whole)) return python;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  say(`a virtual environment for the harnesses in ${folder}, made once …`);
  const log = path.join(cache, "install.log");
  await runProcess(base.command, ["-m", "venv", folder], { log, limitMs: INSTALL_MS }).catch(
    (cause: unknown) => {
      throw new Error(
        `${base.command} makes no virtual environments: it needs its modules venv and ensurepip (Debian: python3-venv)`,
        { cause },
      );
    },
  );
  for (const { file, args, what } of STEPS) {
    say(`installing ${what} …`);
    const pip = ["-m", "pip", "install", "--no-input", ...args, "-r", file];
    await runProcess(python, pip, { log, limitMs: INSTALL_MS });
  }
  writeFileSync(whole, `${base.version}\n`);
  return python;
}

/** What is installed there, for the table. */
export function installedVersion(python: string, name: string): string {
  const code = `import importlib.metadata as m; print(m.version(${JSON.stringify(name)}))`;
  return execFileSync(python, ["-c", code], { encoding: "utf8" }).trim();
}

function basePython(): { readonly command: string; readonly version: string } {
  const tried = [process.env["UNMASK_PYTHON"], "python3", "python"].flatMap((one) => one ?? []);
  for (const command of tried) {
    const version = versionOf(command);
    if (version !== undefined) return { command, version };
  }
  throw new Error(
    `the harnesses are Python programs, and there is no Python from 3.10 on (tried ${tried.join(", ")}): install one, or name it in UNMASK_PYTHON`,
  );
}

function versionOf(command: string): string | undefined {
  const code = "import sys; print(sys.version.split()[0]); sys.exit(sys.version_info < (3, 10))";
  try {
    return execFileSync(command, ["-c", code], { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return undefined;
  }
}
