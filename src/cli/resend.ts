import { createAdminClient } from "#client/admin.ts";
import { type CommandIo, parseArguments, UsageError } from "./command.ts";
import {
  ADMIN_CONNECTION_HELP,
  ADMIN_KEY_ADVICE,
  briefly,
  findAdministration,
  type Told,
  tell,
} from "./connection.ts";

export const RESEND_HELP: string = `Sends charges and counts that the usage queue could not copy into it again, once the cause is mended.

Usage: unmask resend

What is copied twice counts once. The edge keeps such messages for 93 days (dead_messages), and the alert UnmaskUsageDeadLetters
says that there are any.

Options:
${ADMIN_CONNECTION_HELP}

Exit codes: 0 all were sent · 1 some cannot be read by this version, or refused · 64 wrong usage · 69 not there, try again
`;

/** Threat: a service that never says that it is done. */
const MAX_CALLS = 100_000;

/** The command `resend`: see its help. */
export async function resend(args: readonly string[], io: CommandIo): Promise<number> {
  const options = { url: { type: "string" }, json: { type: "boolean" } } as const;
  const { values, positionals } = parseArguments({
    ...{ args: [...args], allowPositionals: true, options },
  });
  if (positionals.length > 0) throw new UsageError("takes no arguments");
  const act = async (): Promise<Told> => {
    const client = createAdminClient(briefly(findAdministration(values, io)));
    let [resent, unreadable] = [0, 0];
    let cursor: string | null | undefined;
    for (let calls = 0; cursor !== null && calls < MAX_CALLS; calls += 1) {
      const told = await client.resendDead(cursor === undefined ? {} : { cursor }, {
        signal: io.signal,
      });
      resent += told.resent;
      unreadable += told.unreadable;
      cursor = told.next_cursor;
    }
    const words = `${resent} sent again${unreadable === 0 ? "" : `; ${unreadable} cannot be read by this version and ${unreadable === 1 ? "stays" : "stay"}`}\n`;
    return { reply: { resent, unreadable }, words, isGood: unreadable === 0 };
  };
  return await tell(act, values.json, io, ADMIN_KEY_ADVICE);
}
