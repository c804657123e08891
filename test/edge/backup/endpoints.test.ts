import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { storedEndpoints } from "#edge/backup/endpoints/endpoints-format.ts";
import { readBackupFigures } from "#edge/backup/figures.ts";
import { forgetInBackups } from "#edge/backup/forgetting.ts";
import { noticesOf } from "#edge/webhooks/notice-client.ts";
import type { SavedEndpoint } from "#edge/webhooks/storage/webhook-tables.ts";
import { endpointListSchema, type NewEndpointBody } from "#wire/api/webhooks/endpoints.ts";
import { generateSecret, verifyMessage } from "#wire/codec/standard-webhooks.ts";
import { receiverReplies, replied } from "../routes/webhook-calls.ts";
import {
  type Environment,
  emptyBackups,
  emptyEnvironment,
  namesBelow,
  restoreInto,
  verifyAll,
} from "./environments.ts";

const START = Date.now();
const MINUTE = 60_000;
const DAY = 86_400_000;

let lost: Environment;
let fresh: Environment;

beforeEach(async () => {
  await emptyBackups();
  lost = await emptyEnvironment(env.LOST_DB);
  fresh = await emptyEnvironment(env.NEW_DB);
});

function newAccount(): string {
  return `acc_${crypto.randomUUID()}`;
}

function secretOf(): string {
  return generateSecret((count) => crypto.getRandomValues(new Uint8Array(count)));
}

function endpoint(fields: Partial<SavedEndpoint> = {}): SavedEndpoint {
  return {
    ...{ id: "whe_1", url: "https://shop.example/hooks", events: null, signing: "hmac" },
    ...{ secret: secretOf(), publicKey: null, previous: null },
    ...{ isEnabled: true, disabledReason: null, createdAt: START },
    ...fields,
  };
}

/** Opens an account that has endpoints. */
async function openWith(
  environment: Environment,
  account: string,
  endpoints: readonly SavedEndpoint[] = [endpoint()],
): Promise<string> {
  const key = await environment.open(account, 1_000);
  await teller(environment, account).restoreEndpoints(account, "a test", {
    endpoints,
    secrets: null,
  });
  return key;
}

function teller({ bindings }: Environment, account: string) {
  return bindings.WEBHOOKS.getByName(account);
}

describe("webhook endpoints come back with a restore", () => {
  test("as they were, and what is told then verifies with the secrets that receivers have", async () => {
    const account = newAccount();
    const key = await lost.open(account, 0);
    const url = "https://shop.example/hooks";
    const events = ["answer.completed", "credit.low"];
    const hmac = await lost.post("/v1/webhook_endpoints", key, { url, events });
    const made: NewEndpointBody = await hmac.json();
    await lost.post("/v1/webhook_endpoints", key, { url, events, signing: "ed25519" });
    const rotated = await lost.post(`/v1/webhook_endpoints/${made.id}/rotate_secret`, key, {});
    const { secret }: NewEndpointBody = await rotated.json();
    const accountSecret = await (await lost.get("/v1/webhook_secret", key)).text();
    // Once what the routes do behind their replies is done.
    await vi.waitFor(async () =>
      expect((await readBackupFigures(env.LOST_DB)).accountsDue).toBe(1),
    );
    await lost.backUp(START);
    expect(await verifyAll()).toMatchObject({ endpoints: 2, faults: [] });

    expect(await restoreInto(fresh, START + 1)).toMatchObject({ endpoints: 2, faults: [] });
    const list = await (await lost.get("/v1/webhook_endpoints", key)).json();
    expect(await (await fresh.get("/v1/webhook_endpoints", key)).json()).toEqual(list);
    expect(await (await fresh.get("/v1/webhook_secret", key)).text()).toBe(accountSecret);

    const { sent } = receiverReplies({ account }, () => replied(204));
    const told = { id: "evt_after", type: "answer.completed", data: { id: "ans_1" } } as const;
    await noticesOf(fresh.bindings).accept({ ...told, accountId: account, at: Date.now() }, null);
    await vi.waitFor(() => expect(sent).toHaveLength(2), { timeout: 5_000 });
    const [, ed25519] = endpointListSchema.parse(list).data;
    for (const known of [made.secret, secret, ed25519?.public_key]) {
      const verified = await Promise.all(
        sent.map(({ headers, body }) =>
          verifyMessage(new Headers({ ...headers }), body, [known ?? ""], Date.now()),
        ),
      );
      expect(verified.filter(Boolean)).toHaveLength(1);
    }
  });

  test("once: what their owner does with them afterwards stays, however often it is restored", async () => {
    const account = newAccount();
    await openWith(lost, account, [endpoint(), endpoint({ id: "whe_2" })]);
    await lost.backUp(START);
    await restoreInto(fresh, START + 1);
    await teller(fresh, account).deleteEndpoint("whe_1");
    await teller(fresh, account).deleteEndpoint("whe_2");
    expect(await restoreInto(fresh, START + 1)).toMatchObject({ endpoints: 0, faults: [] });
    expect(await teller(fresh, account).endpoints()).toEqual([]);
  });

  test("as of the time that is asked for, and not failing for what was before", async () => {
    const account = newAccount();
    await openWith(lost, account);
    await lost.backUp(START);
    await teller(lost, account).changeEndpoint("whe_1", { url: "https://shop.example/new" });
    await lost.backUp(START + MINUTE);
    await restoreInto(fresh, START + 1);
    expect(await teller(fresh, account).endpoint("whe_1")).toMatchObject({
      ...{ url: "https://shop.example/hooks", failingSince: null },
    });
    const later = await emptyEnvironment(env.NEW_DB);
    await restoreInto(later, START + MINUTE);
    expect(await teller(later, account).endpoint("whe_1")).toMatchObject({
      url: "https://shop.example/new",
    });
  });

  test("but not over those of an account that is there, which the restore refuses by name", async () => {
    const account = newAccount();
    await openWith(lost, account);
    await lost.backUp(START);
    const own = endpoint({ id: "whe_own" });
    await openWith(fresh, account, [own]);
    await expect(restoreInto(fresh, START + 1)).rejects.toThrow("already_exists");
    expect(await teller(fresh, account).endpoints()).toMatchObject([{ id: "whe_own" }]);
  });

  test("but not to an account that lives on and has deleted them", async () => {
    const account = newAccount();
    await lost.open(account, 1_000);
    await teller(lost, account).addEndpoint({ ...endpoint(), failingSince: null }, 16);
    await lost.backUp(START);
    await teller(lost, account).deleteEndpoint("whe_1");
    await expect(restoreInto(lost, START + 1)).rejects.toThrow("already_exists");
    expect(await teller(lost, account).endpoints()).toEqual([]);
  });
});

describe("a run of the backups writes an account's endpoints", () => {
  test("when they are not what was last written, under nothing that tells whose they are", async () => {
    const account = newAccount();
    await openWith(lost, account);
    await lost.open(newAccount(), 1_000);
    expect(await lost.backUp(START)).toMatchObject({ endpoints: 1, failures: 0 });
    expect(await lost.backUp(START + MINUTE)).toMatchObject({ endpoints: 0 });
    await teller(lost, account).changeEndpoint("whe_1", { isEnabled: false });
    expect(await lost.backUp(START + 2 * MINUTE)).toMatchObject({ endpoints: 1 });
    const names = await namesBelow("endpoints/");
    expect(names).toHaveLength(2);
    expect(names.join()).not.toContain(account);
  });

  test("and keeps those of before for BACKUP_DAYS, and the last ones always", async () => {
    const account = newAccount();
    await openWith(lost, account);
    await lost.backUp(START);
    await teller(lost, account).deleteEndpoint("whe_1");
    await lost.backUp(START + DAY);
    await lost.backUp(START + 31 * DAY - 1);
    expect(await namesBelow("endpoints/"), "a restore to day 1 needs the first").toHaveLength(2);
    await lost.backUp(START + 32 * DAY);
    const [left = "", ...others] = await namesBelow("endpoints/");
    expect(others).toEqual([]);
    const text = (await (await env.SHARED_BACKUPS.get(left))?.text()) ?? "";
    expect(storedEndpoints.read(text)).toEqual({ account, endpoints: [], secrets: null });
  });

  test("and none of an account that was erased, which no restore brings back", async () => {
    const account = newAccount();
    await openWith(lost, account);
    await lost.backUp(START);
    const [name = ""] = await namesBelow("endpoints/");
    const text = (await (await env.SHARED_BACKUPS.get(name))?.text()) ?? "";
    const book = String(lost.bindings.LEDGER.getByName(account).id);
    await forgetInBackups(lost.bindings, { accountId: account, book, now: START + MINUTE });
    expect(await namesBelow("endpoints/")).toEqual([]);
    // A copy of before that somebody puts back.
    await env.SHARED_BACKUPS.put(name, text);
    expect(await restoreInto(fresh, START + 1)).toMatchObject({ endpoints: 0 });
    expect(await teller(fresh, account).endpoints()).toEqual([]);
  });
});

/** Objects as a stranger may leave them in the bucket, out of one that was written. */
const spoilt: Readonly<Record<string, (text: string) => string>> = {
  "no JSON": () => "endpoints",
  "a version of later": (text) => text.replace('"stored_version":1', '"stored_version":2'),
  "another account's": (text) => text.replace(/acc_[-0-9a-f]+/, newAccount()),
  "no address of the web's": changed({ url: "file:///etc/passwd" }),
  "a secret that signs nothing": changed({ secret: "whsec_?" }),
  "a kind of event that is none": changed({ events: ["answer.everything"] }),
  "an endpoint without a name": changed({ id: undefined }),
};

function changed(fields: object): (text: string) => string {
  return (text) => {
    const { endpoints, ...rest } = storedEndpoints.read(text);
    const value = { ...rest, endpoints: [{ ...endpoints[0], ...fields }] };
    return JSON.stringify({ stored_version: 1, value });
  };
}

describe("a restore withstands", () => {
  test("objects of endpoints that are not as they were written: each is named, and everything else is restored", async () => {
    const good = newAccount();
    await openWith(lost, good);
    const bad = Object.keys(spoilt).map(() => newAccount());
    for (const account of bad) await openWith(lost, account);
    await lost.backUp(START);
    const faults: object[] = [];
    for (const name of await namesBelow("endpoints/")) {
      const text = (await (await env.SHARED_BACKUPS.get(name))?.text()) ?? "";
      const { account } = storedEndpoints.read(text);
      const [kind, spoil] = Object.entries(spoilt)[bad.indexOf(account)] ?? [];
      if (spoil === undefined) continue;
      const left = spoil(text);
      expect(left, kind).not.toBe(text);
      await env.SHARED_BACKUPS.put(name, left);
      faults.push({ name, fault: "altered" });
    }
    expect(faults).toHaveLength(bad.length);
    expect(await verifyAll()).toMatchObject({ endpoints: 1, faults });
    expect(await restoreInto(fresh, START)).toMatchObject({ endpoints: 1, ledgers: 8, faults });
    for (const account of bad) expect(await teller(fresh, account).endpoints()).toEqual([]);
    expect(await teller(fresh, good).endpoints()).toHaveLength(1);
  });
});
