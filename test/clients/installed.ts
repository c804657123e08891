import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildClient, packClient } from "../../infra/clients/pack-npm.ts";

/** An empty project somewhere else, with the packed client installed. */
export interface Project extends Disposable {
  readonly folder: string;
  /** Writes a file and returns its path. */
  write(name: string, text: string): string;
}

/** Builds, packs and installs the client as a stranger would, without a network. */
export async function installedClient(): Promise<Project> {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-client-"));
  const built = path.join(folder, "built", "package");
  await buildClient(built);
  const tarball = packClient(built);
  const project = path.join(folder, "project");
  mkdirSync(project);
  writeFileSync(
    path.join(project, "package.json"),
    JSON.stringify({ name: "stranger", private: true, type: "module" }),
  );
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], {
    cwd: project,
    stdio: "pipe",
  });
  return {
    folder: project,
    write(name, text) {
      const file = path.join(project, name);
      writeFileSync(file, text);
      return file;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The oldest Node that the client is for, where this machine has one beside its own; else undefined. */
export function node20(): string | undefined {
  const candidates = [process.env["NODE20_PATH"], "/usr/bin/node", "/usr/local/bin/node"];
  return candidates.find(
    (file) =>
      file !== undefined &&
      existsSync(file) &&
      execFileSync(file, ["--version"], { encoding: "utf8" }).startsWith("v20."),
  );
}
