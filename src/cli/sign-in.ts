import {
  dashboardAddress,
  makeSignInCode,
  type SignInCodeBody,
  type SignInCodeRequest,
} from "#client/sign-in-code.ts";
import { type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
import {
  ADMIN_KEY_ADVICE,
  briefly,
  CONNECTION_HELP,
  type Connection,
  explain,
  findAdministration,
  findConnection,
} from "./connection.ts";

export const SIGN_IN_HELP: string = `Prints an address that opens the dashboard once: money, keys, answers and webhooks, without pasting a key into a page.

Usage: unmask sign-in [option …]                  the account of the key
       unmask sign-in --account ID [option …]     any account, as the administrator
       unmask sign-in --administrator [option …]  the administrator's own view

Whoever opens the address first is signed in, for as long as a session lasts; afterwards, and after some minutes, it is worth
nothing. Send it to the one person that it is for. What it carries stands behind the #, which browsers send to no server.
A session may do what its key may, and ends with it. One that the administrator opens for an account cannot replay answers,
which is charged.

Options:
  --account ID     whose dashboard it opens, with the administrator's key
  --administrator  accounts, functions and payments, with the administrator's key
  --json           the API's own reply, with the address as url
${CONNECTION_HELP}

The administrator's key is read from UNMASK_ADMIN_KEY; otherwise the local one is used. It is never an argument, which every
list of processes shows.

Exit codes: 0 done · 1 refused · 64 wrong usage · 69 not there, try again
`;

/** The command `sign-in`: see its help. */
export async function signIn(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args);
  if (positionals.length > 0)
    throw new UsageError("sign-in takes no arguments beside its options; say --account ID");
  const asked = askedOf(values);
  const isAdministration = asked.role !== undefined || asked.account !== undefined;
  if (isAdministration && values.key !== undefined)
    throw new UsageError(
      "--account and --administrator take the administrator's key, from UNMASK_ADMIN_KEY; leave --key out",
    );
  const connection: Connection = isAdministration
    ? findAdministration(values, io)
    : findConnection(values, io);
  try {
    const { signal } = io;
    const made = await makeSignInCode(briefly(connection), asked, { signal });
    const url = dashboardAddress(connection.baseUrl, made);
    if (values.json) io.stdout.write(`${JSON.stringify({ ...made, url })}\n`);
    else {
      io.stdout.write(`${url}\n`);
      io.stderr.write(`${sentenceOf(made)}\n`);
    }
    return EXIT.done;
  } catch (cause) {
    io.signal.throwIfAborted();
    return isAdministration ? explain(cause, io, ADMIN_KEY_ADVICE) : explain(cause, io);
  }
}

function askedOf({
  account,
  administrator,
}: {
  readonly account?: string;
  readonly administrator?: boolean;
}): SignInCodeRequest {
  if (account !== undefined && administrator === true)
    throw new UsageError("say --account ID or --administrator: one address opens one of them");
  if (account !== undefined) return { account };
  return administrator === true ? { role: "administrator" } : {};
}

/** Whom it signs in and until when. The service's clock says it: this machine's may be another. */
function sentenceOf({ account, expires_at }: SignInCodeBody): string {
  const whom = account === null ? "the administrator" : account;
  const until = expires_at.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC");
  return `Signs in as ${whom}, once, until ${until}.`;
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = { url: text, key: text, account: text, administrator: flag, json: flag } as const;
  return parseArguments({ args: [...args], allowPositionals: true, options });
}
