import { createAdminClient } from "#client/admin.ts";
import { type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
import {
  ADMIN_CONNECTION_HELP,
  ADMIN_KEY_ADVICE,
  briefly,
  explain,
  findAdministration,
} from "./connection.ts";
import { dollars, table } from "./terminal/table.ts";

export const ACCOUNTS_HELP: string = `Opens, lists and erases accounts: whose money it is.

Usage: unmask accounts create NAME [--id ID]
       unmask accounts list
       unmask accounts erase ID --confirm ID

erase is for ever: keys open nothing any more, and questions, pictures, answers, webhooks and usage go within some twenty minutes. The
lines of the ledger stay, under the name that is printed. Said again, it tells how far it is.

Options:
  --id ID       the account's id (drawn when absent)
  --confirm ID  the id of the account that is to be erased, once more
${ADMIN_CONNECTION_HELP}

Exit codes: 0 done · 1 refused · 64 wrong usage · 69 not there, try again
`;

/** The command `accounts`: see its help. */
export async function accounts(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args);
  const [action, name] = positionals;
  const client = createAdminClient(briefly(findAdministration(values, io)));
  const call = { signal: io.signal };
  try {
    if (action === "list") {
      const found = await Array.fromAsync(client.accounts(call));
      const rows = found.map(({ id, name, created_at, credit_low_micros: line }) => [
        ...[id, name, created_at.slice(0, 10)],
        line === null ? "never" : dollars(line),
      ]);
      io.stdout.write(
        values.json
          ? `${JSON.stringify(found)}\n`
          : table(["ACCOUNT", "NAME", "OPENED", "TOLD BELOW"], rows),
      );
      return EXIT.done;
    }
    if (action === "erase") {
      if (name === undefined || values.confirm !== name)
        throw new UsageError("say erase ID --confirm ID, with the same id twice");
      const erasure = await client.eraseAccount(name, call);
      const { status, phase, account } = erasure;
      io.stdout.write(
        values.json ? `${JSON.stringify(erasure)}\n` : `${status} (${phase}): ${account}\n`,
      );
      return EXIT.done;
    }
    if (action !== "create" || name === undefined)
      throw new UsageError("say create NAME, list or erase ID");
    const { id } = values;
    const account = await client.createAccount({ name, ...(id === undefined ? {} : { id }) }, call);
    io.stdout.write(values.json ? `${JSON.stringify(account)}\n` : `${account.id}\n`);
    return EXIT.done;
  } catch (cause) {
    io.signal.throwIfAborted();
    if (cause instanceof UsageError) throw cause;
    return explain(cause, io, ADMIN_KEY_ADVICE);
  }
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = { id: text, confirm: text, url: text, json: { type: "boolean" } } as const;
  return parseArguments({ args: [...args], allowPositionals: true, options });
}
