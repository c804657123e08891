import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";

export interface WranglerResult {
  /** Exit status; null where a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs wrangler with arguments, and `stdin` as its standard input. Resolves whatever its exit status is. */
export type Wrangler = (args: readonly string[], stdin?: string) => Promise<WranglerResult>;

/** wrangler refused, or could not do, what it was asked for. The message has its own words. */
export class WranglerError extends Error {
  override readonly name = "WranglerError";
  /** The command as a person would type it. */
  readonly command: string;
  /** What it said, without colours, banner and where its log lies. */
  readonly words: string;

  constructor(args: readonly string[], result: WranglerResult) {
    const words = wordsOf(result);
    super(words);
    this.command = `npm run wrangler -- ${args.join(" ")}`;
    this.words = words;
  }
}

/** Starts wrangler as a child that asks nobody and writes no log of its own. `variables`: over those of this process. */
export function spawnWrangler(
  program: string,
  signal: AbortSignal,
  variables: Readonly<Record<string, string>> = {},
): Wrangler {
  const env = {
    ...process.env,
    ...variables,
    CI: "true",
    FORCE_COLOR: "0",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_WRITE_LOGS: "false",
  };
  return async (args, stdin = "") => {
    signal.throwIfAborted();
    const isScript = program.endsWith(".ts");
    const child = isScript
      ? spawn(process.execPath, [program, ...args], { env, stdio: "pipe" })
      : spawn(program, args, { env, stdio: "pipe" });
    const said: Record<"stdout" | "stderr", string> = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        said[stream] += text;
      });
    // Ctrl-C reaches the child by itself; a stop from outside does not.
    const stop = (): void => void child.kill("SIGTERM");
    signal.addEventListener("abort", stop, { once: true });
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
    try {
      const status = await new Promise<number | null>((resolve, reject) => {
        child.once("error", (cause) => reject(new Error(`cannot start ${program}`, { cause })));
        child.once("close", resolve);
      });
      signal.throwIfAborted();
      return { status, ...said };
    } finally {
      signal.removeEventListener("abort", stop);
    }
  };
}

/** Runs it and resolves with what it printed. Rejects with WranglerError where it fails. */
export async function mustRun(
  wrangler: Wrangler,
  args: readonly string[],
  stdin?: string,
): Promise<string> {
  const result = await wrangler(args, stdin);
  if (result.status !== 0) throw new WranglerError(args, result);
  return result.stdout;
}

/** What surrounds wrangler's words: its banner, advice on updates, and where its log lies. */
const AROUND = /⛅️ wrangler|^[─-]+$|Logs were written to|^\s*$/u;

function wordsOf({ stdout, stderr, status }: WranglerResult): string {
  const lines = stripVTControlCharacters(`${stderr}\n${stdout}`).split("\n");
  const words = lines.filter((line) => !AROUND.test(line)).map((line) => line.trimEnd());
  return words.length > 0 ? words.join("\n") : `it said nothing and ended with ${status}`;
}
