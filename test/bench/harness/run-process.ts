import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

/** Lines of a log that are told when a process fails: a traceback of Python and what came before it. */
const LAST_LINES = 25;

/** Runs a process to its end, all that it says in the file `log`. Throws with the last lines where it ends with another status than 0. */
export async function runProcess(
  command: string,
  args: readonly string[],
  {
    log,
    limitMs,
    env = {},
    cwd,
  }: {
    readonly log: string;
    readonly limitMs: number;
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
  },
): Promise<void> {
  const out = openSync(log, "w");
  try {
    const child = spawn(command, args, {
      stdio: ["ignore", out, out],
      env: { ...process.env, ...env },
      signal: AbortSignal.timeout(limitMs),
      ...(cwd === undefined ? {} : { cwd }),
    });
    const status = await new Promise<number | string | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve(signal ?? code));
    });
    if (status === 0) return;
    throw new Error(
      `${command} ${args.slice(0, 3).join(" ")} … ended with ${status}:\n${lastLines(log)}`,
    );
  } finally {
    closeSync(out);
  }
}

/** The end of a log. */
export function lastLines(log: string): string {
  return readFileSync(log, "utf8").trimEnd().split("\n").slice(-LAST_LINES).join("\n");
}
