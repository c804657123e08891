import { isRetryable, WeightsError } from "#weights/weights-error.ts";
import { type CommandIo, EXIT, UsageError } from "./command.ts";
import { commands } from "./commands.ts";
import { weightsFault } from "./convert/fault.ts";

const HELP = `Answers questions about pictures with a masked-diffusion language model.

Usage: unmask COMMAND [ARGUMENT …]

Commands:
${[...commands].map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`).join("\n")}

  unmask COMMAND --help   what a command takes

Exit codes: 0 done · 1 the outcome is a no · 2 cannot be compared · 64 wrong usage · 69 not there or not ready, try again · 130 interrupted
`;

/** Runs the command that the arguments name and resolves to its exit code. Whatever goes wrong ends as a sentence on `stderr`. */
export async function main(args: readonly string[], io: CommandIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "help") {
    (name === undefined ? io.stderr : io.stdout).write(HELP);
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  const entry = commands.get(name);
  if (entry === undefined) {
    io.stderr.write(
      `unmask: there is no command "${name}"; there are ${[...commands.keys()].join(", ")}.\n`,
    );
    return EXIT.usage;
  }
  try {
    const { run, help } = await entry.load();
    if (help !== undefined && rest.includes("--help")) {
      io.stdout.write(help);
      return EXIT.done;
    }
    return await run(rest, io);
  } catch (cause) {
    if (io.signal.aborted) return EXIT.interrupted;
    if (cause instanceof UsageError) {
      io.stderr.write(`unmask ${name}: ${cause.message}\nSee: unmask ${name} --help\n`);
      return EXIT.usage;
    }
    if (cause instanceof WeightsError) {
      io.stderr.write(`unmask ${name}: ${weightsFault(cause)}\n`);
      return isRetryable(cause) ? EXIT.unavailable : EXIT.failed;
    }
    io.stderr.write(`unmask ${name} broke off: ${chain(cause)}\n`);
    return EXIT.failed;
  }
}

function chain(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const own = cause.stack ?? cause.message;
  return cause.cause === undefined ? own : `${own}\ncaused by ${chain(cause.cause)}`;
}

if (import.meta.main) {
  const interrupted = new AbortController();
  // Not `once`: launcher and terminal both send the signal on Ctrl-C, and the second must not cut the clean-up short.
  for (const signal of ["SIGINT", "SIGTERM"])
    process.on(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)));
  process.exitCode = await main(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    // Through npm or the launcher this process starts in the repository's root; INIT_CWD is where the user stands.
    cwd: process.env["INIT_CWD"] ?? process.cwd(),
    isTTY: process.stdout.isTTY === true,
    ...(process.stdout.isTTY ? { columns: process.stdout.columns } : {}),
    ...(process.stderr.isTTY ? { errorColumns: process.stderr.columns } : {}),
    signal: interrupted.signal,
  });
}
