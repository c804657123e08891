import { type AdminClient, createAdminClient } from "#client/admin.ts";
import { type CommandIo, parseArguments, UsageError } from "./command.ts";
import {
  ADMIN_CONNECTION_HELP,
  ADMIN_KEY_ADVICE,
  findAdministration,
  type Told,
  tell,
} from "./connection.ts";

export const BACKUP_HELP: string = `Keeps ledgers, accounts, keys, payments and webhook endpoints safe outside of the service, shows that they add up, and brings them back.

Usage: unmask backup status
       unmask backup run [--take-over]
       unmask backup verify
       unmask backup restore --at TIME [--drill]

status     how the backups stand: what waits, since when, and what did not agree
run        what a cron trigger does every few minutes, now, until nothing is left; and a snapshot of the tables
verify     book every ledger of the bucket again from zero, and hold the snapshot against its digests
restore    fill this environment, in which the accounts are not, as it was at a point in time

Options:
  --at TIME     RFC 3339, such as 2026-11-28T12:00:00Z; "now" is the last that there is
  --take-over   this environment writes to the bucket from now on, whichever did before
  --drill       leave the bucket to the environment that writes there: what is restored here keeps no backups
${ADMIN_CONNECTION_HELP}

Exit codes: 0 done · 1 something did not agree, or refused · 64 wrong usage · 69 not there, try again
`;

/** A call does a part of the work that is bounded, and a busy bucket takes its time for it. */
const CALL_MS = 120_000;

/** Threat: a service that never says that it is done. A million ledgers are ten thousand calls. */
const MAX_CALLS = 100_000;

/** The command `backup`: see its help. */
export async function backup(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args);
  const deed = deedOf(positionals, values);
  const act = async (): Promise<Told> => {
    const connection = findAdministration(values, io);
    return await deed(createAdminClient({ ...connection, timeoutMs: CALL_MS }), io.signal);
  };
  return await tell(act, values.json, io, ADMIN_KEY_ADVICE);
}

/** What was done; `words` say so to a person. */
type Deed = (client: AdminClient, signal: AbortSignal) => Promise<Told>;

type Options = ReturnType<typeof parse>["values"];

function deedOf(given: readonly string[], options: Options): Deed {
  const [action] = given;
  if (given.length === 1 && action === "status") return status;
  if (given.length === 1 && action === "run") return runOf(options["take-over"] === true);
  if (given.length === 1 && action === "verify") return verify;
  if (given.length === 1 && action === "restore") return restoreOf(options);
  throw new UsageError("say status, run, verify or restore --at TIME");
}

const status: Deed = async (client, signal) => {
  const reply = await client.backups({ signal });
  const { accounts_due: due, mismatches, failures } = reply;
  const words = [
    `last run        ${reply.last_run_at ?? "never"}`,
    `last snapshot   ${reply.last_tables_at ?? "none"}`,
    `waiting         ${due} ${plural(due, "ledger")}${reply.oldest_change_at === null ? "" : `, the first since ${reply.oldest_change_at}`}`,
    `did not agree   ${mismatches}`,
    `failed          ${failures}`,
  ];
  return { reply, words: `${words.join("\n")}\n`, isGood: mismatches === 0 };
};

function runOf(takesOver: boolean): Deed {
  return async (client, signal) => {
    let reply = await client.runBackup(takesOver ? { take_over: true } : {}, { signal });
    const sums = {
      ledgers: reply.ledgers,
      lines: reply.lines,
      mismatches: reply.mismatches,
      failures: reply.failures,
    };
    for (let calls = 1; reply.has_more && reply.failures === 0 && calls < MAX_CALLS; calls += 1) {
      reply = await client.runBackup({}, { signal });
      sums.ledgers += reply.ledgers;
      sums.lines += reply.lines;
      sums.mismatches += reply.mismatches;
      sums.failures += reply.failures;
    }
    if (reply.refused)
      return {
        reply,
        words:
          "the bucket holds the backups of another environment: restore them here (unmask backup restore --at now), or take it over (--take-over)\n",
        isGood: false,
      };
    const words = `${sums.lines} ${plural(sums.lines, "line")} of ${sums.ledgers} ${plural(sums.ledgers, "ledger")} saved and booked again${reply.tables ? ", and the tables" : ""}\n`;
    const bad = `${sums.mismatches} did not agree, ${sums.failures} failed: the log says which\n`;
    const isGood = sums.mismatches + sums.failures === 0;
    return { reply: { ...reply, ...sums }, words: isGood ? words : `${words}${bad}`, isGood };
  };
}

const verify: Deed = async (client, signal) => {
  const sums = { ledgers: 0, lines: 0, parts: 0, endpoints: 0 };
  const faults: Fault[] = [];
  let cursor: string | null | undefined;
  for (let calls = 0; cursor !== null && calls < MAX_CALLS; calls += 1) {
    const told = await client.verifyBackup(cursor === undefined ? {} : { cursor }, { signal });
    sums.ledgers += told.ledgers;
    sums.lines += told.lines;
    sums.parts += told.parts;
    sums.endpoints += told.endpoints;
    faults.push(...told.faults);
    cursor = told.next_cursor;
  }
  const words = `${sums.ledgers} ${plural(sums.ledgers, "ledger")} booked again from zero, ${sums.lines} ${plural(sums.lines, "line")}; ${sums.parts} ${plural(sums.parts, "part")} of the tables as written${andEndpoints(sums.endpoints)}\n`;
  return {
    reply: { ...sums, faults },
    words: `${words}${faultLines(faults)}`,
    isGood: faults.length === 0,
  };
};

function restoreOf(options: Options): Deed {
  const at = momentOf(options.at);
  return async (client, signal) => {
    const sums = { ledgers: 0, lines: 0, rows: 0, endpoints: 0 };
    const faults: Fault[] = [];
    let tablesAt = "";
    let cursor: string | null | undefined;
    for (let calls = 0; cursor !== null && calls < MAX_CALLS; calls += 1) {
      const told = await client.restoreBackup(
        {
          at,
          ...(cursor === undefined ? {} : { cursor }),
          ...(options.drill === true ? { take_over: false } : {}),
        },
        { signal },
      );
      sums.ledgers += told.ledgers;
      sums.lines += told.lines;
      sums.rows += told.rows;
      sums.endpoints += told.endpoints;
      faults.push(...told.faults);
      tablesAt = told.tables_at;
      cursor = told.next_cursor;
    }
    const words = `${sums.ledgers} ${plural(sums.ledgers, "ledger")} restored, ${sums.lines} ${plural(sums.lines, "line")}; ${sums.rows} ${plural(sums.rows, "row")} of the tables as of ${tablesAt}${andEndpoints(sums.endpoints)}\n`;
    return {
      reply: { ...sums, tables_at: tablesAt, faults },
      words: `${words}${faultLines(faults)}`,
      isGood: faults.length === 0,
    };
  };
}

interface Fault {
  readonly name: string;
  readonly fault: string;
}

function faultLines(faults: readonly Fault[]): string {
  return faults.map(({ name, fault }) => `${fault}: ${name}\n`).join("");
}

function momentOf(text: string | undefined): string {
  if (text === "now") return new Date().toISOString();
  const at = Date.parse(text ?? "");
  if (text === undefined || Number.isNaN(at))
    throw new UsageError("say to which point in time: --at 2026-11-28T12:00:00Z, or --at now");
  return new Date(at).toISOString();
}

function andEndpoints(count: number): string {
  return count === 0 ? "" : `; ${count} webhook ${plural(count, "endpoint")}`;
}

function plural(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`;
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = { url: text, json: flag, at: text, drill: flag, "take-over": flag } as const;
  return parseArguments({ args: [...args], allowPositionals: true, options });
}
