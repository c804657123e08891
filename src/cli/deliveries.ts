import {
  createWebhookCalls,
  type Delivery,
  type DeliveryFilter,
  type WebhookCalls,
} from "#client/webhook-calls.ts";
import { type CommandIo, parseArguments, UsageError } from "./command.ts";
import { briefly, CONNECTION_HELP, findConnection, type Told, tell } from "./connection.ts";
import { printable } from "./terminal/printable.ts";
import { table } from "./terminal/table.ts";

export const DELIVERIES_HELP: string = `Shows what was sent to webhook endpoints and how that went, and sends it again.

Usage: unmask deliveries list [--status S] [--endpoint ID] [--event TYPE] [--limit N]
       unmask deliveries show ID
       unmask deliveries redeliver ID
       unmask deliveries redeliver --since TIME [--until TIME] [--status S] [--endpoint ID]

  unmask deliveries list --status failed             what never arrived, newest first
  unmask deliveries show whd_0Kb3nV7cQ2xY9mTgA4hZw   what was sent, and every attempt: when, how long, what was replied
  unmask deliveries redeliver --since 6h             once the receiver is mended: what failed in the last six hours

A delivery that is sent again begins its schedule anew, under the same webhook-id: receivers that have had it know it.

Options:
  --status S    waiting | delivered | failed; all (list: all; redeliver: failed)
  --event TYPE  such as answer.completed
  --limit N     at most so many (50)
  --since, --until TIME
                2026-11-27T18:00:00Z, or how long ago: 30m, 6h, 2d (until: now)
${CONNECTION_HELP}
  --json        the API's own reply

The log goes back 30 days at most. The key needs the scope webhooks.

Exit codes: 0 done · 1 refused · 64 wrong usage · 69 not there, try again
`;

type Act = (calls: WebhookCalls, signal: AbortSignal) => Promise<Told>;
type Values = ReturnType<typeof parse>["values"];

/** The command `deliveries`: see its help. */
export async function deliveries(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args);
  const act = actOf(positionals, values);
  const connection = briefly(findConnection(values, io));
  const deed = async (): Promise<Told> => await act(createWebhookCalls(connection), io.signal);
  return await tell(deed, values.json, io);
}

function actOf([action, id, ...rest]: readonly string[], values: Values): Act {
  const misused = new UsageError("say list, show ID, redeliver ID or redeliver --since TIME");
  if (rest.length > 0) throw misused;
  if (action === "list" && id === undefined) return listAct(values);
  if (action === "show" && id !== undefined)
    return async ({ deliveries: log }, signal) => {
      const reply = await log.get(id, { signal });
      return { reply, words: shown(reply) };
    };
  if (action === "redeliver" && (id === undefined) !== (values.since === undefined)) {
    const redeliver = id === undefined ? rangeAct(values) : oneAct(id);
    return async (calls, signal) => {
      const reply = await redeliver(calls.deliveries, signal);
      return { reply, words: `${reply.count} on the way again\n` };
    };
  }
  throw misused;
}

type Redeliver = (
  log: WebhookCalls["deliveries"],
  signal: AbortSignal,
) => ReturnType<WebhookCalls["deliveries"]["redeliver"]>;

function oneAct(id: string): Redeliver {
  return (log, signal) => log.redeliver(id, { signal });
}

function rangeAct({ since = "", until, endpoint, status }: Values): Redeliver {
  const nowMs = Date.now();
  const range = {
    since: momentOf("--since", since, nowMs),
    ...(until === undefined ? {} : { until: momentOf("--until", until, nowMs) }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...statusFilter(status ?? "failed"),
  };
  return (log, signal) => log.redeliverRange(range, { signal });
}

function listAct({ endpoint, status, event, limit = "50" }: Values): Act {
  if (!/^[1-9][0-9]{0,5}$/.test(limit)) throw new UsageError("--limit takes a whole number from 1");
  const most = Number(limit);
  const filter: DeliveryFilter = {
    endpoint,
    ...statusFilter(status),
    // A type that does not exist is the API's to refuse: it knows them all.
    event: event as DeliveryFilter["event"],
  };
  return async ({ deliveries: log }, signal) => {
    const reply: Delivery[] = [];
    for await (const delivery of log.list(filter, { signal })) {
      reply.push(delivery);
      if (reply.length === most) break;
    }
    return { reply, words: table(HEAD, reply.map(cells)) };
  };
}

const STATUSES = ["waiting", "delivered", "failed"] as const;

/** Which deliveries are meant; no status where all are. */
function statusFilter(text = "all"): { readonly status?: (typeof STATUSES)[number] } {
  if (text === "all") return {};
  const status = STATUSES.find((known) => known === text);
  if (status === undefined) throw new UsageError(`--status is one of ${STATUSES.join(", ")}, all`);
  return { status };
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time as the API takes it, from one that is written out or a while ago. */
function momentOf(option: string, text: string, nowMs: number): string {
  const [, count, unit = ""] = /^([0-9]{1,6})([mhd])$/.exec(text) ?? [];
  const atMs =
    count === undefined ? Date.parse(text) : nowMs - Number(count) * (UNIT_MS[unit] ?? 0);
  if (Number.isNaN(atMs))
    throw new UsageError(`${option} takes a time, such as 2026-11-27T18:00:00Z, or 30m, 6h, 2d`);
  return new Date(atMs).toISOString();
}

const HEAD: readonly string[] = ["DELIVERY", "AT", "EVENT", "STATUS", "ATTEMPTS", "TO"];

function cells(delivery: Delivery): string[] {
  return [
    delivery.id,
    secondOf(delivery.created_at),
    delivery.event,
    delivery.status,
    String(delivery.attempt_count),
    delivery.endpoint ?? delivery.url,
  ];
}

function shown(delivery: Delivery): string {
  const rows = (delivery.attempts ?? []).map(({ number, at, duration_ms, ...reply }) => [
    String(number),
    secondOf(at),
    String(Math.round(duration_ms)),
    reply.status === null ? "-" : String(reply.status),
    // As JSON: what a receiver wrote cannot steer the terminal.
    [reply.failure, reply.location]
      .flatMap((text) => (text === null ? [] : JSON.stringify(text)))
      .join(" "),
  ]);
  const next = delivery.next_attempt_at;
  return [
    table(HEAD, [cells(delivery)]),
    `webhook-id ${delivery.notice}, to ${delivery.url}\n`,
    rows.length === 0 ? "" : `\n${table(["ATTEMPT", "AT", "MS", "REPLY", "DETAIL"], rows)}`,
    next === null ? "" : `next attempt ${secondOf(next)}\n`,
    ...(delivery.attempts ?? []).map(({ number, response }) =>
      response === null || response === "" ? "" : `\nreply ${number}\n${printable(response)}\n`,
    ),
    delivery.body == null ? "" : `\nbody\n${printable(pretty(delivery.body))}\n`,
  ].join("");
}

/** JSON with a line for each field; what is none, as it is. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function secondOf(time: string): string {
  return time.slice(0, 19);
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    endpoint: text,
    status: text,
    event: text,
    limit: text,
    since: text,
    until: text,
    url: text,
    key: text,
    json: flag,
  } as const;
  return parseArguments({ args: [...args], allowPositionals: true, options });
}
