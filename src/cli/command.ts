import { type ParseArgsConfig, parseArgs } from "node:util";

/**
 * What a command sees of the world, passed in so that tests can be the world.
 * Results go to `stdout` and nothing else does: it may be a pipe. Progress and complaints go to `stderr`.
 */
export interface CommandIo {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; paths in arguments are relative to it. */
  readonly cwd: string;
  /** Whether `stdout` is a terminal that a person looks at. */
  readonly isTTY: boolean;
  /** Width of that terminal in cells; absent when `stdout` is none or does not say. */
  readonly columns?: number;
  /** Width of the terminal that `stderr` is; absent when it is none. */
  readonly errorColumns?: number;
  /** Aborted by Ctrl-C or a stop from outside: end soon, leave nothing half-written. */
  readonly signal: AbortSignal;
}

/** Takes text as it comes; callers write their own line ends. */
export interface TextSink {
  write(text: string): unknown;
}

/**
 * One command: takes the arguments behind its name and resolves to the exit code (`EXIT`).
 * What the user did wrong is thrown as `UsageError`; any other error means that the command broke off.
 */
export type Command = (args: readonly string[], io: CommandIo) => Promise<number>;

/** Exit codes, the same for every command. Source: sysexits.h for usage (64) and unavailable (69); 128 + signal for SIGINT. */
export const EXIT = {
  done: 0,
  /** The command ran and the outcome is a "no": an answer that failed, a case that did not pass. */
  failed: 1,
  /** The command ran, and there is neither a yes nor a no: what was to be compared cannot be. */
  undecided: 2,
  usage: 64,
  /** The other side is not there or not ready: worth trying again. */
  unavailable: 69,
  interrupted: 130,
} as const;

/** The arguments are wrong. The message says what to write instead; `main` adds how to get help. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Parses a command's arguments as `node:util` does; whatever it complains about is the user's mistake. Throws UsageError. */
export function parseArguments<Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
