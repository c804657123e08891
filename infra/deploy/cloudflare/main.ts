// Deploys the edge: `npm run deploy -- --help` says how.

import { UsageError } from "#cli/command.ts";
import { takeLock } from "#cli/models/lock.ts";
import { WranglerError } from "./account/wrangler.ts";
import { prepare, type Surroundings } from "./deployment.ts";
import { keys, rollBack, rotate, tryOut } from "./key-commands.ts";
import { HELP, type Options, parseOptions } from "./options.ts";
import { deploy } from "./plan/deploy.ts";
import { StepError } from "./plan/execute.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 64;

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const options = parseOptions(args);
  if (options.command === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const surroundings = prepare(options, signal);
  const lock = takeLock(surroundings.store.file("lock"), 0);
  if (lock === undefined)
    throw new UsageError(
      `another deployment of ${options.environment} is under way on this machine`,
    );
  try {
    return await run(options, surroundings);
  } finally {
    lock.close();
  }
}

async function run(options: Options, surroundings: Surroundings): Promise<number> {
  switch (options.command) {
    case "deploy":
      return await deploy(options, surroundings);
    case "keys":
      return await keys(surroundings);
    case "rollback":
      return await rollBack(options, surroundings);
    case "rotate ticket":
    case "rotate admin":
      return await rotate(options.command, surroundings);
    default:
      return await tryOut(options, surroundings, options.url);
  }
}

/** Says what failed, in whose words, and what to do next. */
function complain(cause: unknown): number {
  if (cause instanceof UsageError) {
    process.stderr.write(`deploy: ${cause.message}\nnpm run deploy -- --help says how.\n`);
    return EXIT_USAGE;
  }
  if (cause instanceof StepError) {
    const { step, advice, cause: fault } = cause;
    const command = fault instanceof WranglerError ? fault.command : "";
    process.stderr.write(
      `deploy: ${step.kind} ${step.name} failed\n${indented(command)}\n${indented(cause.words)}\nNext: ${advice}; then run the same command again, it goes on from there.\n`,
    );
    return EXIT_FAILED;
  }
  if (cause instanceof WranglerError) {
    process.stderr.write(
      `deploy: wrangler failed\n${indented(cause.command)}\n${indented(cause.words)}\n`,
    );
    return EXIT_FAILED;
  }
  process.stderr.write(`deploy: ${cause instanceof Error ? cause.message : String(cause)}\n`);
  return EXIT_FAILED;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () =>
    stop.abort(new Error("stopped; run the same command again, it goes on from there")),
  );

process.exitCode = await main(process.argv.slice(2), stop.signal).catch(complain);
