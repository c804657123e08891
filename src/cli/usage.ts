import { readUsage } from "#client/admin.ts";
import { type CommandIo, EXIT, parseArguments } from "./command.ts";
import { briefly, CONNECTION_HELP, explain, findConnection } from "./connection.ts";
import { dollars, table } from "./terminal/table.ts";

export const USAGE_HELP: string = `Shows what the account's keys asked and were charged, by day (UTC), key and model.

Usage: unmask usage [option …]

Options:
  --from DAY, --to DAY
                YYYY-MM-DD, both included
  --model NAME  only this model
  --of KEY_ID   only this key
${CONNECTION_HELP}
  --json        the API's own rows

Exit codes: 0 done · 1 refused · 64 wrong usage · 69 not there, try again
`;

/** The command `usage`: see its help. */
export async function usage(args: readonly string[], io: CommandIo): Promise<number> {
  const { from, to, model, of: key, json, ...given } = parse(args);
  const filter = Object.fromEntries(
    Object.entries({ from, to, model, key }).filter(([, value]) => value !== undefined),
  );
  try {
    const call = { signal: io.signal };
    const rows = await Array.fromAsync(readUsage(briefly(findConnection(given, io)), filter, call));
    if (json) {
      io.stdout.write(`${JSON.stringify(rows)}\n`);
      return EXIT.done;
    }
    const cells = rows.map((row) => [
      ...[row.day, row.key, row.model, String(row.answers), String(row.steps)],
      dollars(row.charged_micros),
    ]);
    const total = rows.reduce((sum, row) => sum + row.charged_micros, 0);
    io.stdout.write(table(["DAY", "KEY", "MODEL", "ANSWERS", "STEPS", "CHARGED"], cells));
    io.stdout.write(`${dollars(total)} in all\n`);
    return EXIT.done;
  } catch (cause) {
    io.signal.throwIfAborted();
    return explain(cause, io);
  }
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = {
    from: text,
    to: text,
    model: text,
    of: text,
    url: text,
    key: text,
    json: { type: "boolean" },
  } as const;
  return parseArguments({ args: [...args], options }).values;
}
