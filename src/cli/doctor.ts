import { resolveProvider } from "#inference/machine/choose-provider.ts";
import type { Machine } from "#inference/machine/findings.ts";
import { surveyMachine } from "#inference/machine/survey.ts";
import { engineProviders } from "#inference/runtime/node-engine.ts";
import { type Command, EXIT, parseArguments, UsageError } from "./command.ts";
import { tellMachine } from "./doctor/report.ts";

/** Help text of `unmask doctor`. */
export const DOCTOR_HELP: string = `unmask doctor [--json] [--provider NAME]

  Says what this machine can run, and of each provider that it cannot: why not, and what to do about it. Each is tried in a
  process of its own, since drivers crash rather than complain; it takes seconds, and changes nothing.

  --json       everything that was found, for programs
  --provider   ${engineProviders.join(" | ")}: the exit code says whether this one runs (default: whether any does)

Exit codes: 0 it runs · 1 it does not · 64 wrong usage
`;

/** Looks at a machine: the real one, unless a test is another. */
export type Survey = typeof surveyMachine;

/** Runs `unmask doctor`. */
export const doctor: Command = (args, io) => doctorOf(surveyMachine)(args, io);

/** The command, of whatever machine. */
export function doctorOf(survey: Survey): Command {
  return async (args, io) => {
    const { values } = parseArguments({
      args: [...args],
      options: { json: { type: "boolean", default: false }, provider: { type: "string" } },
    });
    const wanted = engineProviders.find((name) => name === values.provider);
    if (values.provider !== undefined && wanted === undefined) {
      throw new UsageError(`--provider is one of ${engineProviders.join(", ")}`);
    }
    const machine = await survey({ env: io.env, signal: io.signal });
    const choice = resolveProvider(wanted ?? "auto", machine);
    io.stdout.write(
      values.json
        ? `${JSON.stringify({ machine, choice }, undefined, 2)}\n`
        : tellMachine(machine, choice),
    );
    return runs(machine, wanted) ? EXIT.done : EXIT.failed;
  };
}

function runs(machine: Machine, wanted: (typeof engineProviders)[number] | undefined): boolean {
  const asked = wanted === undefined ? engineProviders : [wanted];
  return machine.node.isNewEnough && asked.some((name) => machine[name].troubles.length === 0);
}
