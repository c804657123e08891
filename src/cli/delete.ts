import { type Client, createClient } from "#client/client.ts";
import { type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
import { CONNECTION_HELP, explain, findConnection } from "./connection.ts";

export const DELETE_HELP: string = `Deletes answers, batches and uploaded pictures, with everything that came of them.

Usage: unmask delete ID [ID …] [option …]

What is still being made is refused: cancel it first. What it cost stays in the ledger. What is kept where, and for how long, is on
the page /docs/privacy of the service.

Options:
${CONNECTION_HELP}

Exit codes: 0 deleted · 1 refused · 64 wrong usage · 69 not there, try again
`;

/** What an id names, by how it begins. */
const lists: Readonly<Record<string, "answers" | "batches" | "images">> = {
  ans: "answers",
  bat: "batches",
  img: "images",
};

/** The command `delete`: see its help. */
export async function remove(args: readonly string[], io: CommandIo): Promise<number> {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArguments({
    args: [...args],
    options: { url: text, key: text },
    allowPositionals: true,
  });
  // All are looked at before the first is deleted.
  const named = positionals.map((id) => ({ id, list: listOf(id) }));
  if (named.length === 0)
    throw new UsageError("say what, for example: unmask delete ans_0Kb3nV7cQ2xY9mTgA4hZw");
  try {
    const client: Client = createClient(findConnection(values, io));
    for (const { id, list } of named) {
      await client[list].delete(id, { signal: io.signal });
      io.stdout.write(`${id}\n`);
    }
    return EXIT.done;
  } catch (cause) {
    io.signal.throwIfAborted();
    return explain(cause, io);
  }
}

function listOf(id: string): "answers" | "batches" | "images" {
  const list = lists[id.split("_")[0] ?? ""];
  if (list === undefined)
    throw new UsageError(`${id} is no id of an answer (ans_), a batch (bat_) or a picture (img_)`);
  return list;
}
