import { playgroundAddress, tradeForPass } from "#client/playground-pass.ts";
import { type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
import { CONNECTION_HELP, explain, findConnection } from "./connection.ts";

export const OPEN_HELP: string = `Prints the address that opens the playground with a pass of an hour.

Usage: unmask open [option …]

The pass is a client token: it asks for half a dollar at most, sees what it asked and nothing else, and ends with its key. It
stands behind the # of the address, which browsers send to no server.

Options:
${CONNECTION_HELP}

Exit codes: 0 done · 1 refused · 64 wrong usage · 69 not there, try again
`;

/** The command `open`: see its help. */
export async function open(args: readonly string[], io: CommandIo): Promise<number> {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArguments({
    args: [...args],
    options: { url: text, key: text },
    allowPositionals: true,
  });
  if (positionals.length > 0) throw new UsageError("open takes no arguments beside its options");
  try {
    const connection = findConnection(values, io);
    const pass = await tradeForPass(connection);
    io.stdout.write(`${playgroundAddress(connection.baseUrl, pass)}\n`);
    return EXIT.done;
  } catch (cause) {
    io.signal.throwIfAborted();
    return explain(cause, io);
  }
}
