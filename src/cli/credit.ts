import { type AdminClient, createAdminClient } from "#client/admin.ts";
import { type CommandIo, parseArguments, UsageError } from "./command.ts";
import {
  ADMIN_CONNECTION_HELP,
  ADMIN_KEY_ADVICE,
  briefly,
  findAdministration,
  type Told,
  tell,
} from "./connection.ts";
import { dollars, parseDollars } from "./terminal/table.ts";

export const CREDIT_HELP: string = `Grants credit to an account, gives back what an answer was charged, and says when an account is told that its credit runs low.

Usage: unmask credit grant ACCOUNT DOLLARS [--id ID]
       unmask credit refund ACCOUNT ANSWER DOLLARS [--id ID]
       unmask credit line ACCOUNT DOLLARS | off

line      below so much available credit the account's webhook endpoints are told credit.low: once, and again after
          credit that is given has lifted it above the line. Who has no endpoint is told nothing: unmask webhooks --help

Options:
  --id ID       name of the grant or refund: the same one given again adds nothing, and is told so
${ADMIN_CONNECTION_HELP}

Exit codes: 0 done · 1 refused · 64 wrong usage · 69 not there, try again
`;

/** The command `credit`: see its help. */
export async function credit(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args);
  const deed = deedOf(positionals, values.id);
  const act = async (): Promise<Told> =>
    await deed(createAdminClient(briefly(findAdministration(values, io))), io.signal);
  return await tell(act, values.json, io, ADMIN_KEY_ADVICE);
}

/** Changes what an account has or is told of it; `words` say so to a person. */
type Deed = (client: AdminClient, signal: AbortSignal) => Promise<Told>;

function deedOf(given: readonly string[], id: string | undefined): Deed {
  const [action, account = "", ...rest] = given;
  if (action === "grant" && given.length === 3) {
    const [text = ""] = rest;
    const grant = { ...amountOf(text), ...nameOf(id) };
    return async (client, signal) => {
      const reply = await client.grant(account, grant, { signal });
      const given = `${dollars(reply.amount_micros)} granted to ${reply.account}`;
      return { reply, words: once(given, reply) };
    };
  }
  if (action === "refund" && given.length === 4) {
    const [answer = "", text = ""] = rest;
    const refund = { answer, ...amountOf(text), ...nameOf(id) };
    return async (client, signal) => {
      const reply = await client.refund(account, refund, { signal });
      const given = `${dollars(reply.amount_micros)} of ${reply.answer} refunded to ${reply.account}`;
      return { reply, words: once(given, reply) };
    };
  }
  if (action === "line" && given.length === 3) return lineOf(account, rest[0] ?? "");
  throw new UsageError(
    "say grant ACCOUNT DOLLARS, refund ACCOUNT ANSWER DOLLARS or line ACCOUNT DOLLARS",
  );
}

/** Says that something was given, or that it was before; a service of before this command does not tell them apart. */
function once(given: string, { id, repeated }: { id: string; repeated?: boolean }): string {
  return repeated === true
    ? `${given} before, as ${id}; nothing was added now\n`
    : `${given} (${id})\n`;
}

function lineOf(account: string, text: string): Deed {
  const credit_low_micros = text === "off" ? null : amountOf(text).amount_micros;
  return async (client, signal) => {
    const reply = await client.changeAccount(account, { credit_low_micros }, { signal });
    const line = reply.credit_low_micros;
    const words =
      line === null
        ? `${reply.id} is not told when its credit runs low\n`
        : `${reply.id} is told once its credit is below ${dollars(line)}\n`;
    return { reply, words };
  };
}

function amountOf(text: string): { readonly amount_micros: number } {
  const amount_micros = parseDollars(text);
  if (amount_micros === undefined)
    throw new UsageError(`"${text}" is no amount of dollars, such as 1 or 0.5`);
  return { amount_micros };
}

function nameOf(id: string | undefined): { readonly id?: string } {
  return id === undefined ? {} : { id };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = { id: text, url: text, json: { type: "boolean" } } as const;
  return parseArguments({ args: [...args], allowPositionals: true, options });
}
