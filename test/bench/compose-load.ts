import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAdminClient } from "#client/admin.ts";
import { createClient } from "#client/client.ts";
import type { OwnAccountBody } from "#wire/api/accounts/account.ts";
import { KEY_SCOPES } from "#wire/api/accounts/key.ts";
import { functionStatusSchema } from "#wire/function/status.ts";
import type { Running, Topology } from "../../infra/deploy/compose/here/up.ts";

/** Many callers, each with one question after another, and a function that is killed in the midst of it. */
export interface KillLoad {
  readonly callers: number;
  /** Answers that end before the kill, and as many after it. */
  readonly answersEach: number;
  /** Whether the end is when as many were asked of the function that is back. */
  readonly waitsForReturn: boolean;
  /** Of each question, on a canvas of as many positions. */
  readonly steps: number;
}

export interface KillFigures {
  /** By when they were asked: before the kill, while one function was away, after it was back. */
  readonly phases: readonly Phase[];
  /** Answers that the function was making, or had in its queue, when it was killed: they went on elsewhere. */
  readonly cut: number;
  /** Milliseconds from the kill until the function was well again; null: that was not waited for. */
  readonly awayMs: number | null;
  /** Answers that were accepted and did not end as `completed`, with why. */
  readonly lost: readonly string[];
  /** Answers whose charge was another than their quote. */
  readonly misquoted: readonly string[];
  /** All charges together, and what the accounts' ledgers say was spent. */
  readonly chargedMicros: number;
  readonly spentMicros: number;
  readonly heldMicros: number;
}

export interface Phase {
  readonly name: "before" | "one away" | "after";
  readonly answers: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

interface Asked {
  readonly beganMs: number;
  readonly ms: number;
  readonly chargedMicros: number;
  readonly fault: string | null;
  readonly isMisquoted: boolean;
}

/** Each account may have four answers at work (ACCOUNT_PLACES). */
const CALLERS_AN_ACCOUNT = 4;
/** So many are at work at a function at once at the most, unless it is told otherwise. */
const A_FEW = 4;
const PATIENCE_MS = 3_000;
const CREDIT_MICROS = 100_000_000;
const PICTURE = "test/fixtures/pictures/dog.png";

/** Kills `function-1` of a topology by its process id while it makes answers, and counts what became of them. */
export async function killUnderLoad(topology: Topology, load: KillLoad): Promise<KillFigures> {
  const victim = topology.services.get("function-1");
  if (victim === undefined) throw new Error("there is no function-1");
  const keys = await openAccounts(topology, Math.ceil(load.callers / CALLERS_AN_ACCOUNT));
  const asked: Asked[] = [];
  let isOver = false;
  const callers = Array.from({ length: load.callers }, async (_, index) => {
    const key = keys[Math.floor(index / CALLERS_AN_ACCOUNT)] ?? "";
    const client = createClient({ baseUrl: topology.url, apiKey: key });
    while (!isOver) asked.push(await askOne(client, load.steps, asked.length));
  });
  const everybody = Promise.all(callers);
  const until = async (isEnough: () => boolean): Promise<void> => {
    while (!isEnough()) await Promise.race([sleep(20), everybody]);
  };
  await until(() => asked.length >= load.answersEach);
  const cut = await untilBusy(victim);
  const killedMs = performance.now();
  process.kill(victim.pid(), "SIGKILL");
  let backMs = Number.POSITIVE_INFINITY;
  if (load.waitsForReturn) {
    while (!(await victim.isWell())) await sleep(100);
    backMs = performance.now();
  }
  const sinceMs = load.waitsForReturn ? backMs : killedMs;
  const endedSince = (): number => asked.filter(({ beganMs }) => beganMs > sinceMs).length;
  await until(() => endedSince() >= load.answersEach);
  isOver = true;
  await everybody;
  const balances = await Promise.all(keys.map((key) => balanceOf(topology.url, key)));
  const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
  return {
    phases: phasesOf(asked, killedMs, backMs),
    ...{ cut, awayMs: load.waitsForReturn ? backMs - killedMs : null },
    lost: asked.flatMap(({ fault }) => fault ?? []),
    misquoted: asked.flatMap(({ isMisquoted }, index) => (isMisquoted ? [String(index)] : [])),
    chargedMicros: sum(asked.map(({ chargedMicros }) => chargedMicros)),
    spentMicros: sum(balances.map(({ spent_micros }) => spent_micros)),
    heldMicros: sum(balances.map(({ held_micros }) => held_micros)),
  };
}

async function openAccounts(topology: Topology, count: number): Promise<readonly string[]> {
  const apiKey = readFileSync(path.join(topology.volume("edge-secrets"), "admin-key"), "utf8");
  const admin = createAdminClient({ baseUrl: topology.url, apiKey });
  const limits = { requests_per_minute: 100_000, steps_per_minute: 1_000_000, concurrent: 64 };
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const { id } = await admin.createAccount({ name: "Load", limits });
      await admin.grant(id, { amount_micros: CREDIT_MICROS });
      const name = { account: id, name: "load", environment: "test" } as const;
      return (await admin.createKey({ ...name, scopes: KEY_SCOPES, limits })).key;
    }),
  );
}

type AskingClient = Pick<ReturnType<typeof createClient>, "quote" | "ask">;

/** A question of its own: an answer out of the cache would ask no function. */
async function askOne(client: AskingClient, steps: number, number: number): Promise<Asked> {
  const images = [new Uint8Array(readFileSync(PICTURE))];
  const question = { question: `What is this? (${number})`, images, cache: "off" } as const;
  const ask = { ...question, canvas: steps, steps };
  const { price_micros } = await client.quote(ask);
  const beganMs = performance.now();
  const ended = await client.ask(ask).then(
    ({ status, charged_micros }) => ({
      chargedMicros: charged_micros,
      fault: status === "completed" ? null : status,
    }),
    (cause: unknown) => ({ chargedMicros: 0, fault: String(cause) }),
  );
  const isMisquoted = ended.fault === null && ended.chargedMicros !== price_micros;
  return { beganMs, ms: performance.now() - beganMs, ...ended, isMisquoted };
}

/** How many answers a function has, as soon as it has a few; after a while any are enough. */
async function untilBusy({ url }: Running): Promise<number> {
  const untilMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const reply = await fetch(`${url}/status`);
    const { running = 0, queued = 0 } = functionStatusSchema.parse(await reply.json());
    const all = running + queued;
    if (all >= A_FEW || (all > 0 && performance.now() > untilMs)) return all;
    await sleep(5);
  }
}

async function balanceOf(url: string, key: string): Promise<OwnAccountBody["balance"]> {
  const reply = await fetch(`${url}/v1/account`, { headers: { authorization: `Bearer ${key}` } });
  if (!reply.ok) throw new Error(`the account: ${reply.status} ${await reply.text()}`);
  return ((await reply.json()) as OwnAccountBody).balance;
}

function phasesOf(asked: readonly Asked[], killedMs: number, backMs: number): readonly Phase[] {
  const phase = (name: Phase["name"], isIn: (one: Asked) => boolean): Phase => {
    const took = asked.filter(isIn).map(({ ms }) => ms);
    took.sort((left, right) => left - right);
    const at = (share: number): number => took[Math.ceil(took.length * share) - 1] ?? Number.NaN;
    return { name, answers: took.length, p50Ms: at(0.5), p95Ms: at(0.95) };
  };
  return [
    phase("before", ({ beganMs, ms }) => beganMs + ms <= killedMs),
    // Under way at the kill, or asked before the function was back.
    phase("one away", ({ beganMs, ms }) => beganMs + ms > killedMs && beganMs <= backMs),
    phase("after", ({ beganMs }) => beganMs > backMs),
  ];
}
