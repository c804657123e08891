import { parseArgs } from "node:util";
import { createAdminClient } from "#client/admin.ts";
import { type CommandIo, EXIT, UsageError } from "./command.ts";
import { ADMIN_CONNECTION_HELP, explain, findAdministration } from "./connection.ts";
import { dollars, parseDollars } from "./terminal/table.ts";

export const CREDIT_HELP: string = `Grants credit to an account.

Usage: unmask credit grant ACCOUNT DOLLARS [--id ID]

Options:
  --id ID       name of the grant: the same one given again grants nothing more
${ADMIN_CONNECTION_HELP}

Exit codes: 0 granted · 1 refused · 64 wrong usage · 69 not there, try again
`;

/** The command `credit`: see its help. */
export async function credit(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args);
  const [action, account, text = ""] = positionals;
  if (action !== "grant" || account === undefined)
    throw new UsageError("say grant ACCOUNT DOLLARS");
  const amount_micros = parseDollars(text);
  if (amount_micros === undefined)
    throw new UsageError(`"${text}" is no amount of dollars, such as 1 or 0.5`);
  const { id } = values;
  try {
    const granted = await createAdminClient(findAdministration(values, io)).grant(
      account,
      { amount_micros, ...(id === undefined ? {} : { id }) },
      { signal: io.signal },
    );
    io.stdout.write(
      values.json
        ? `${JSON.stringify(granted)}\n`
        : `${dollars(granted.amount_micros)} granted to ${granted.account} (${granted.id})\n`,
    );
    return EXIT.done;
  } catch (cause) {
    io.signal.throwIfAborted();
    if (cause instanceof UsageError) throw cause;
    return explain(cause, io);
  }
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = { id: text, url: text, json: { type: "boolean" } } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
