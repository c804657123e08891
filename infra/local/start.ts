// Brings up the whole system on this machine: Worker with local object storage, and an inference function for each model.
// `npm start -- --help` says how.

import { weightsFault } from "#cli/convert/fault.ts";
import { createReporter } from "#cli/convert/report.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { askFirst } from "./first-question.ts";
import { prepareLocalModels } from "./functions/local-model.ts";
import { HELP, type Options, parseOptions } from "./options.ts";
import { assertFree } from "./ports.ts";
import type { LocalProcess } from "./processes.ts";
import { startStack } from "./stack.ts";
import { takeState } from "./state.ts";

/** Where state, logs and keys lie; tests that run side by side each have a folder of their own. */
const STATE = process.env["UNMASK_STATE"] ?? ".unmask";

/** How long a part may take to finish its work once it was asked to end. */
const GRACE_MS = 10_000;

/** What is next where no account was opened. */
const EMPTY_ADVICE =
  "  No account is here. What was backed up comes back by npm run -s unmask -- backup restore --at now\n\n";

function say(words: string): void {
  process.stderr.write(`unmask: ${words}\n`);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help") {
    process.stdout.write(HELP);
    return;
  }
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stopping.abort(signal));
  }
  using state = takeState(STATE);
  const running: LocalProcess[] = [];
  try {
    await serve(options, state, running, stopping.signal);
    await untilOver(running, stopping.signal);
  } catch (cause) {
    if (!stopping.signal.aborted) throw cause;
  } finally {
    if (running.length > 0) say("stopping …");
    for (const part of running.reverse()) await part.stop(GRACE_MS);
  }
}

/** Starts everything and says what there is. */
async function serve(
  options: Options,
  state: ReturnType<typeof takeState>,
  running: LocalProcess[],
  signal: AbortSignal,
): Promise<void> {
  const { port, isForPrograms, isEmpty } = options;
  const { isTTY, columns } = process.stderr;
  using reporter = createReporter(process.stderr, { columns: isTTY ? columns : undefined });
  // Before a model is made ready, which may take an hour.
  if (port !== 0) await assertFree(port);
  const models = await prepareLocalModels(options, reporter, signal);
  const access = await startStack({ port, models, isEmpty, reporter }, state, running, signal);
  const names = models.map(({ name }) => name);
  const [model = ""] = names;
  if (isForPrograms)
    process.stdout.write(`${JSON.stringify({ ...access, model, models: names })}\n`);
  else {
    if (!isEmpty) process.stdout.write(await askFirst(access, model, { reporter, signal }));
    else process.stdout.write(EMPTY_ADVICE);
    process.stdout.write(
      `  Accounts, credit and keys are managed with UNMASK_ADMIN_KEY=${access.admin_key}\n\n  Ctrl-C ends it.\n`,
    );
  }
}

/** Waits until we are asked to stop; throws if a part ends by itself. */
async function untilOver(running: readonly LocalProcess[], signal: AbortSignal): Promise<void> {
  const stopped = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const fates = running.map(
    async ({ name, logFile, ended }) => `${name} ${await ended} (see ${logFile})`,
  );
  const fate = await Promise.race([stopped, ...fates]);
  if (fate !== undefined) throw new Error(fate);
}

main().catch((cause: unknown) => {
  if (cause instanceof WeightsError) say(weightsFault(cause));
  else say(cause instanceof Error ? cause.message : String(cause));
  process.exitCode = 1;
});
