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
import { parseDollars, table } from "./terminal/table.ts";

export const KEYS_HELP: string = `Creates, lists, rotates and revokes keys. A key is shown once, when it is made; keep it then.

Usage: unmask keys create ACCOUNT [option …]
       unmask keys list ACCOUNT
       unmask keys rotate ID [--overlap SECONDS]
       unmask keys revoke ID

Options of create:
  --name NAME         what people call it
  --test              a key umk_test_… instead of umk_live_…
  --scopes A,B        of ask, jobs, webhooks, usage, keys (ask,usage)
  --models A,B        models that it may ask (all)
  --origins A,B       origins that it works from, for keys that browsers hold
  --per-day DOLLARS, --per-month DOLLARS
                      the most that it may spend
  --rpm N, --spm N, --concurrent N
                      requests and steps per minute, answers at one time
Option of rotate:
  --overlap SECONDS   how long the present secret works on (86400)
Options:
${ADMIN_CONNECTION_HELP}

Exit codes: 0 done · 1 refused · 64 wrong usage · 69 not there, try again
`;

type Values = ReturnType<typeof parse>["values"];

/** The command `keys`: see its help. */
export async function keys(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args);
  const [action, subject] = positionals;
  if (subject === undefined)
    throw new UsageError("say create ACCOUNT, list ACCOUNT, rotate ID or revoke ID");
  const client = createAdminClient(briefly(findAdministration(values, io)));
  const deed = async (): Promise<Told> => await act(action, subject, values, client, io.signal);
  return await tell(deed, values.json, io, ADMIN_KEY_ADVICE);
}

async function act(
  action: string | undefined,
  subject: string,
  values: Values,
  client: AdminClient,
  signal: AbortSignal,
): Promise<Told> {
  switch (action) {
    case "create": {
      const reply = await client.createKey(creation(subject, values), { signal });
      return { reply, words: `${reply.key}\n` };
    }
    case "list": {
      const reply = await Array.fromAsync(client.keys(subject, { signal }));
      return { reply, words: table(HEAD, reply.map(cells)) };
    }
    case "rotate": {
      const overlap = whole("--overlap", values.overlap);
      const rotation = overlap === undefined ? {} : { overlap_seconds: overlap };
      const reply = await client.rotateKey(subject, rotation, { signal });
      return { reply, words: `${reply.key}\n` };
    }
    case "revoke": {
      const reply = await client.revokeKey(subject, { signal });
      return { reply, words: `${reply.id} is revoked, everywhere within 60 s\n` };
    }
    default:
      throw new UsageError(`there is no "${action}"; there are create, list, rotate, revoke`);
  }
}

const HEAD: readonly string[] = ["KEY", "NAME", "SCOPES", "MADE", "STATE"];

function cells(key: Awaited<ReturnType<AdminClient["revokeKey"]>>): string[] {
  const end = key.expires_at === null ? "" : `until ${key.expires_at.slice(0, 16)}`;
  const state = key.revoked_at === null ? end || "good" : `revoked ${key.revoked_at.slice(0, 16)}`;
  return [key.id, key.name, key.scopes.join(","), key.created_at.slice(0, 10), state];
}

function creation(account: string, values: Values): Parameters<AdminClient["createKey"]>[0] {
  const limits = present({
    requests_per_minute: whole("--rpm", values.rpm),
    steps_per_minute: whole("--spm", values.spm),
    concurrent: whole("--concurrent", values.concurrent),
    spend_per_day_micros: amount("--per-day", values["per-day"]),
    spend_per_month_micros: amount("--per-month", values["per-month"]),
  });
  const restrictions = present({
    name: values.name,
    environment: values.test ? ("test" as const) : undefined,
    models: values.models?.split(","),
    origins: values.origins?.split(","),
    // Names that do not exist are the API's to refuse: it knows them all.
    scopes: values.scopes?.split(",") as ("ask" | "jobs" | "webhooks" | "usage")[] | undefined,
  });
  return { account, ...restrictions, limits };
}

/** Absent stays absent: what is not given is left to the API's defaults. */
function present<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as {
    [Name in keyof Fields]?: Exclude<Fields[Name], undefined>;
  };
}

function whole(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,10}$/.test(text)) throw new UsageError(`${option} takes a whole number`);
  return Number(text);
}

function amount(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const micros = parseDollars(text);
  if (micros === undefined) throw new UsageError(`${option} takes dollars, such as 1 or 0.5`);
  return micros;
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    name: text,
    test: flag,
    scopes: text,
    models: text,
    origins: text,
    overlap: text,
    "per-day": text,
    "per-month": text,
    rpm: text,
    spm: text,
    concurrent: text,
    url: text,
    json: flag,
  } as const;
  return parseArguments({ args: [...args], allowPositionals: true, options });
}
