import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { GuideBlock } from "./guide.ts";

export type Environment = Readonly<Record<string, string>>;

/** Parts what one block of a terminal prints from the next. */
const MARK = "\u001e";

/** What a guide's terminal printed, by block, and what it exported. */
export interface TerminalOutput {
  readonly printed: ReadonlyMap<string, string>;
  readonly exported: Environment;
}

/** Runs a guide's blocks of a terminal in one terminal, as a reader does, and stops at the first that fails. */
export async function runTerminal(
  blocks: readonly GuideBlock[],
  folder: string,
  environment: Environment,
): Promise<TerminalOutput> {
  const shell = blocks.filter(({ language }) => language === "sh");
  const script = [...shell.map(({ code }) => code), "env"].join(`\nprintf '${MARK}'\n`);
  const output = await ended(run("sh", ["-ec", script], folder, environment));
  const parts = output.split(MARK);
  const lines = (parts.at(-1) ?? "").split("\n").map((line) => /^(\w+)=(.*)$/.exec(line));
  const exported = lines.flatMap((line) => (line === null ? [] : [[line[1], line[2]]]));
  return {
    printed: new Map(shell.map(({ name }, index) => [name, parts[index] ?? ""])),
    exported: Object.fromEntries(exported) as Environment,
  };
}

/** Starts a block in TypeScript or Python. */
export function startProgram(
  { language, code }: GuideBlock,
  folder: string,
  environment: Environment,
): ChildProcess {
  if (language === "python") return run(PYTHON, ["-u", "-c", code], folder, environment);
  const published = new URL("../support/as-published.ts", import.meta.url).href;
  const args = ["--import", published, "--input-type=module-typescript", "--eval", code];
  return run(process.execPath, args, folder, environment);
}

/** Which Python runs what is written in Python. */
export const PYTHON: string = process.env["PYTHON"] ?? "python3";

function run(
  command: string,
  args: readonly string[],
  folder: string,
  environment: Environment,
): ChildProcess {
  return spawn(command, args, {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** What a program prints until it ends. Throws where it fails. */
export async function ended(child: ChildProcess): Promise<string> {
  const read = outputOf(child);
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`it ended with ${code}, having printed:\n${read()}`);
  return read();
}

/** What a program has printed so far. */
export function outputOf(child: ChildProcess): () => string {
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return () => output;
}

/** Waits until somebody listens on a port of this machine. */
export async function untilListening(port: number, tries = 100): Promise<void> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await sleep(100);
  }
  throw new Error(`nobody listens on port ${port}`);
}
