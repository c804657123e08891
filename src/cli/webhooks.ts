import { createWebhookCalls, type Endpoint, type WebhookCalls } from "#client/webhook-calls.ts";
import { type CommandIo, parseArguments, UsageError } from "./command.ts";
import { briefly, CONNECTION_HELP, findConnection, type Told, tell } from "./connection.ts";
import { table } from "./terminal/table.ts";

export const WEBHOOKS_HELP: string = `Says where the account is told what happened: addresses to which answers, batches and warnings are sent, signed.

Usage: unmask webhooks create URL [--events A,B] [--signing hmac|ed25519]
       unmask webhooks list
       unmask webhooks show ID
       unmask webhooks change ID [--to URL] [--events A,B] [--enable | --disable]
       unmask webhooks test ID
       unmask webhooks rotate ID
       unmask webhooks delete ID
       unmask webhooks secret [--rotate]

  unmask webhooks create https://example.com/hook    prints the secret, once: the receiver verifies with it
  unmask webhooks test whe_0Kb3nV7cQ2xY9mTgA4hZw     sends a sample; see how it went: unmask deliveries list

create    the secret (hmac) or the public key (ed25519) goes to stdout, everything else to stderr
change    --enable also forgives the failures for which an endpoint was disabled
rotate    a new secret; the present one signs too for a day, so that receivers can be changed one by one
delete    what was on its way there is given up
secret    what signs deliveries to addresses that a question names itself without a secret of its own

Options:
  --events A,B  of answer.completed, answer.partial, answer.failed, answer.draft, batch.completed, credit.low,
                webhook_endpoint.disabled; or all, which is all but answer.draft (all)
  --signing S   hmac: a shared secret · ed25519: a key pair, whose private half never leaves the service (hmac)
${CONNECTION_HELP}
  --json        the API's own reply

The key needs the scope webhooks: unmask keys create ACCOUNT --scopes ask,webhooks. Signatures are those of Standard Webhooks 1.0.

Exit codes: 0 done · 1 refused · 64 wrong usage · 69 not there, try again
`;

type Act = (calls: WebhookCalls, signal: AbortSignal) => Promise<Told>;
type Values = ReturnType<typeof parse>["values"];

/** The command `webhooks`: see its help. */
export async function webhooks(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args);
  const act = actOf(positionals, values);
  const connection = briefly(findConnection(values, io));
  const deed = async (): Promise<Told> => await act(createWebhookCalls(connection), io.signal);
  return await tell(deed, values.json, io);
}

function actOf([action, subject, ...rest]: readonly string[], values: Values): Act {
  const wantsSubject = action !== "list" && action !== "secret";
  if (rest.length > 0 || wantsSubject !== (subject !== undefined))
    throw new UsageError(
      "say create URL, list, show ID, change ID, test ID, rotate ID, delete ID or secret",
    );
  const id = subject ?? "";
  switch (action) {
    case "create":
      return createAct(id, values);
    case "list":
      return async ({ endpoints }, signal) => {
        const reply = await Array.fromAsync(endpoints.list({ signal }));
        return { reply, words: table(HEAD, reply.map(cells)) };
      };
    case "show":
      return async ({ endpoints }, signal) => shown(await endpoints.get(id, { signal }));
    case "change": {
      const change = changeOf(values);
      return async ({ endpoints }, signal) => shown(await endpoints.change(id, change, { signal }));
    }
    case "test":
      return async ({ endpoints }, signal) => {
        const reply = await endpoints.test(id, { signal });
        const words = `${reply.notice} is on its way; how it went: unmask deliveries list --endpoint ${id}\n`;
        return { reply, words };
      };
    case "rotate":
      return async ({ endpoints }, signal) => {
        const reply = await endpoints.rotateSecret(id, { signal });
        const note = "Shown this once. The secret before it signs too for a day.\n";
        return { reply, words: `${reply.secret ?? reply.public_key}\n`, note };
      };
    case "delete":
      return async ({ endpoints }, signal) => {
        await endpoints.delete(id, { signal });
        return { reply: { id, deleted: true }, words: `${id} is deleted\n` };
      };
    case "secret":
      return secretAct(values.rotate === true);
    default:
      throw new UsageError(
        `there is no "${action}"; there are create, list, show, change, test, rotate, delete, secret`,
      );
  }
}

function createAct(url: string, values: Values): Act {
  const signing = signingOf(values.signing);
  const events = eventsOf(values.events);
  const body = {
    url,
    ...(events === undefined ? {} : { events }),
    ...(signing === undefined ? {} : { signing }),
  };
  return async ({ endpoints }, signal) => {
    const reply = await endpoints.create(body, { signal });
    const what = reply.secret === null ? "Verify with this public key" : "Shown this once: keep it";
    const note = `${reply.id} is told of ${eventNames(reply)}. ${what}; a sample: unmask webhooks test ${reply.id}\n`;
    return { reply, words: `${reply.secret ?? reply.public_key}\n`, note };
  };
}

function signingOf(text: string | undefined): Endpoint["signing"] | undefined {
  if (text === undefined || text === "hmac" || text === "ed25519") return text;
  throw new UsageError("--signing is hmac or ed25519");
}

function secretAct(rotates: boolean): Act {
  return async ({ secret }, signal) => {
    const reply = rotates ? await secret.rotate({ signal }) : await secret.get({ signal });
    const until = reply.previous_secret_expires_at;
    const note = until === null ? "" : `The secret before it signs too until ${until}.\n`;
    return { reply, words: `${reply.secret}\n`, note };
  };
}

function changeOf(values: Values): Parameters<WebhookCalls["endpoints"]["change"]>[1] {
  const { to: url, enable = false, disable = false } = values;
  if (enable && disable) throw new UsageError("--enable or --disable, not both");
  const events = eventsOf(values.events);
  const change = {
    ...(url === undefined ? {} : { url }),
    ...(events === undefined ? {} : { events }),
    ...(enable || disable ? { enabled: enable } : {}),
  };
  if (Object.keys(change).length === 0)
    throw new UsageError("say what to change: --to, --events, --enable or --disable");
  return change;
}

type EventNames = Exclude<Endpoint["events"], null>;

/** Names that do not exist are the API's to refuse: it knows them all. */
function eventsOf(text: string | undefined): EventNames | null | undefined {
  if (text === undefined || text === "all") return text === undefined ? undefined : null;
  return text.split(",").map((name) => name.trim()) as unknown as EventNames;
}

function eventNames({ events }: Endpoint): string {
  return events === null ? "all but answer.draft" : events.join(",");
}

const HEAD: readonly string[] = ["ENDPOINT", "URL", "EVENTS", "SIGNING", "STATE"];

function cells(endpoint: Endpoint): string[] {
  return [
    endpoint.id,
    endpoint.url,
    eventNames(endpoint),
    endpoint.signing,
    endpoint.enabled ? "on" : `off (${endpoint.disabled_reason})`,
  ];
}

function shown(endpoint: Endpoint): Told {
  const { public_key: publicKey, previous_secret_expires_at: until } = endpoint;
  const more = [
    publicKey === null ? "" : `public key ${publicKey}\n`,
    until === null ? "" : `the secret before the last rotation signs too until ${until}\n`,
  ];
  return { reply: endpoint, words: table(HEAD, [cells(endpoint)]) + more.join("") };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    events: text,
    signing: text,
    to: text,
    enable: flag,
    disable: flag,
    rotate: flag,
    url: text,
    key: text,
    json: flag,
  } as const;
  return parseArguments({ args: [...args], allowPositionals: true, options });
}
