import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { refuse } from "#domain/result.ts";
import { answersOf } from "#edge/answers/answer-client.ts";
import { AnswerReach } from "#edge/answers/hosting/answer-reach.ts";
import { Patience } from "#edge/answers/making/patience.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { story } from "../../../support/edge-builders.ts";
import { answerObject } from "../../answer-objects.ts";
import { askJson, eventReply, functionReplies, streamReply } from "../../function-double.ts";
import { openAccount } from "../../routes/administration.ts";

const answers = answersOf(env);
const DAY_MS = 24 * 3_600_000;
const asked = { question: "What is this?", canvas: 4, steps: 2, mode: "exact", cache: "off" };

/** Of an account of their own, another for each test: none finds what another left, and nobody else has its places at the functions. */
let mine: { readonly accountId: string; readonly owner: null };
let authorization: string;

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { id, key } = await openAccount();
  mine = { accountId: id, owner: null };
  authorization = `Bearer ${key}`;
  const { getRandomValues } = crypto;
  vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
    getRandomValues.call(crypto, array);
    // The first byte of an answer's id says in which object it lies.
    if (array instanceof Uint8Array && array.length === 15) array[0] = 9;
    return array;
  });
});
afterEach(() => vi.restoreAllMocks());

async function begun(body: object = {}, headers: HeadersInit = {}): Promise<string> {
  const response = await askJson(
    { ...asked, ...body },
    { prefer: "respond-async", authorization, ...headers },
  );
  return (await response.json<{ id: string }>()).id;
}

async function begunTogether(count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) ids.push(await begun());
  return ids;
}

async function ended(id: string): Promise<string> {
  const body = await answers.wait(id, mine, null);
  return body === null ? "gone" : body.status;
}

async function rows(id: string, query: string): Promise<object[]> {
  return await runInDurableObject(answerObject(id, mine.accountId), (_, { storage }) =>
    storage.sql.exec(query).toArray(),
  );
}

async function alarmOf(id: string): Promise<number | null> {
  return await runInDurableObject(answerObject(id, mine.accountId), (_, { storage }) =>
    storage.getAlarm(),
  );
}

async function crash(object: DurableObjectStub): Promise<void> {
  const killed = runInDurableObject(object, (_, state) => state.abort("the machine died"));
  await killed.catch(() => undefined);
}

/** Says nothing until it is dropped. */
function silence(signal: AbortSignal): Response {
  return streamReply(
    new ReadableStream({
      start: (controller) =>
        signal.addEventListener("abort", () => controller.error(signal.reason)),
    }),
  );
}

describe("answers that share an object", () => {
  test("all go on when it dies: each is made again, told once and charged once", async () => {
    let isAlive = false;
    const { sent } = functionReplies(({ signal }) =>
      isAlive ? eventReply(story) : silence(signal),
    );
    const ids: string[] = [];
    for (let index = 0; index < 4; index += 1) ids.push(await begun());
    // A stub whose object died fails for ever.
    const object = (): DurableObjectStub => answerObject(ids[0] ?? "", mine.accountId);
    expect(new Set(ids.map((id) => answerObject(id, mine.accountId).name)).size).toBe(1);
    await vi.waitFor(() => expect(sent.length).toBe(4));
    isAlive = true;
    await crash(object());
    // One alarm is enough for all of them, whoever asks or not.
    expect(await runDurableObjectAlarm(object())).toBe(true);
    const bodies = await Promise.all(ids.map((id) => answers.wait(id, mine, null)));
    expect(bodies.map((body) => body?.status)).toEqual(Array(4).fill("completed"));
    expect(sent.length).toBe(8);
    const charged = bodies.reduce((sum, body) => sum + (body?.charged_micros ?? 0), 0);
    const { revenue, held } = await ledgerOf(env, mine.accountId).balance();
    expect([revenue, held]).toEqual([BigInt(charged), 0n]);
  });

  test("do not suffer under one that is refused, one that is cancelled and one whose function falls silent", async () => {
    // The silent one is cancelled before it is tried again.
    vi.spyOn(Patience.prototype, "pause").mockRestore();
    let asks = 0;
    functionReplies(({ signal }) => {
      asks += 1;
      if (asks === 1) return silence(signal);
      return asks === 2 ? streamReply(new Blob(["no event at all"]).stream()) : eventReply(story);
    });
    const silent = await begun();
    await vi.waitFor(() => expect(asks).toBe(1), { timeout: 10_000 });
    const broken = await begun();
    await vi.waitFor(() => expect(asks).toBeGreaterThan(1), { timeout: 10_000 });
    const whole = await begunTogether(2);
    expect(await answers.cancel(silent, mine)).toMatchObject({ status: "cancelled" });
    expect(await Promise.all(whole.map(ended))).toEqual(["completed", "completed"]);
    // It is asked again by itself; what the others do is none of its business.
    expect(await ended(broken)).toBe("completed");
  });

  test("arm one alarm between them, and leave it at that once they have ended", async () => {
    functionReplies(() => eventReply(story));
    const first = await begun();
    await ended(first);
    const armed = await alarmOf(first);
    expect(armed).toBeGreaterThan(Date.now());
    for (const id of await begunTogether(5)) await ended(id);
    // Each of them would have set it later.
    expect(await alarmOf(first)).toBe(armed);
  });

  test("are forgotten one by one, and with the last of them nothing is left that would be paid for", async () => {
    functionReplies(() => eventReply(story));
    const clock = vi.spyOn(Date, "now");
    const start = Date.now();
    const first = await begun();
    await ended(first);
    clock.mockReturnValue(start + 3 * DAY_MS);
    const second = await begun();
    await ended(second);
    await vi.waitFor(
      async () => expect(await rows(first, "SELECT 1 FROM due WHERE at = 0")).toEqual([]),
      10_000,
    );
    const object = answerObject(first, mine.accountId);
    clock.mockReturnValue(start + 3 * DAY_MS + 60_000);
    await runDurableObjectAlarm(object);
    expect([await answers.kept(first, mine), (await answers.kept(second, mine)) !== null]).toEqual([
      null,
      true,
    ]);
    clock.mockReturnValue(start + 8 * DAY_MS);
    await runDurableObjectAlarm(object);
    expect(await answers.read(first, mine)).toBeNull();
    expect(await answers.read(second, mine)).toMatchObject({ status: "completed" });
    clock.mockReturnValue(start + 11 * DAY_MS);
    await runDurableObjectAlarm(object);
    expect(await answers.read(second, mine)).toBeNull();
    expect(await rows(first, "SELECT name FROM sqlite_master")).toEqual([]);
    // An object that has forgotten all of them begins anew.
    clock.mockRestore();
    expect(await ended(await begun())).toBe("completed");
  });

  test("are kept and told to be accepted while nobody serves their model: they wait, not their callers", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const { runnerParts } = AnswerReach.prototype;
    vi.spyOn(AnswerReach.prototype, "runnerParts").mockImplementation(function (
      this: AnswerReach,
      ...args
    ) {
      const dispatch = async () => refuse({ kind: "function_unreachable" } as const);
      return { ...runnerParts.apply(this, args), dispatch };
    });
    const id = await begun();
    expect(sent).toEqual([]);
    expect(await rows(id, "SELECT answer FROM due WHERE at = 0")).toContainEqual({ answer: id });
    expect(await alarmOf(id)).not.toBeNull();
    expect(await answers.cancel(id, mine)).toMatchObject({
      status: "cancelled",
      charged_micros: 0,
    });
  });

  test("are looked after though the rows of one of them cannot be read", async () => {
    let isAlive = false;
    functionReplies(({ signal }) => (isAlive ? eventReply(story) : silence(signal)));
    const broken = await begun();
    const whole = await begun();
    await runInDurableObject(answerObject(broken, mine.accountId), (_, { storage }) => {
      const sql = "UPDATE answer SET text = 'of a later version' WHERE answer = ? AND record < 'p'";
      storage.sql.exec(`${sql} AND record > 'order/'`, broken);
    });
    isAlive = true;
    await crash(answerObject(whole, mine.accountId));
    expect(await runDurableObjectAlarm(answerObject(whole, mine.accountId))).toBe(true);
    expect(await ended(whole)).toBe("completed");
  });

  test("are read out of their rows once more have come than are remembered", async () => {
    functionReplies(() => eventReply(story));
    const ids: string[] = [];
    for (let index = 0; index < 40; index += 1) {
      const body = answerSchema.parse(await (await askJson(asked, { authorization })).json());
      ids.push(body.id);
    }
    const bodies = await Promise.all(ids.map((id) => answers.read(id, mine)));
    expect(bodies.map((body) => [body?.id, body?.answer])).toEqual(
      ids.map((id) => [id, "A red square."]),
    );
  });

  test("are those of one account: to another the id of each leads nowhere", async () => {
    functionReplies(() => eventReply(story));
    const id = await begun();
    await ended(id);
    const stranger = { accountId: "acc_stranger", owner: null };
    expect([
      await answers.read(id, stranger),
      await answers.wait(id, stranger, 0),
      await answers.cancel(id, stranger),
      await answers.kept(id, stranger),
      await answers.events(id, stranger, null),
    ]).toEqual([null, null, null, null, null]);
    const tables = await runInDurableObject(answerObject(id, "acc_stranger"), (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    );
    expect(tables).toEqual([]);
  });
});
