import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { micros } from "#domain/micros.ts";
import { readBackupFigures } from "#edge/backup/figures.ts";
import { forgetInBackups } from "#edge/backup/forgetting.ts";
import { storedSegment } from "#edge/backup/formats.ts";
import { snapshotTables, tables } from "#edge/backup/tables/tables.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import {
  type Environment,
  emptyBackups,
  emptyEnvironment,
  namesBelow,
  restoreInto,
  verifyAll,
} from "./environments.ts";

/** Before anything was asked here. */
const START = Date.now();
const MINUTE = 60_000;
const DAY = 86_400_000;

let first: Environment;

beforeEach(async () => {
  await emptyBackups();
  first = await emptyEnvironment(env.LOST_DB);
});
afterEach(() => vi.restoreAllMocks());

async function textOf(name: string): Promise<string> {
  return (await (await env.SHARED_BACKUPS.get(name))?.text()) ?? "";
}

/** Books that are in the bucket, by the id of their object. */
async function segmentsOf(accountId: string): Promise<readonly string[]> {
  return await namesBelow(`ledger/${first.bindings.LEDGER.getByName(accountId).id}/`);
}

describe("a run of the backups", () => {
  test("writes what each ledger has booked since the last one, chained to what was there, and no account's name with it", async () => {
    await first.open("acc_ada", 1_000);
    await first.answer("acc_ada", "ans_1");
    expect(await first.backUp(START)).toMatchObject({ ledgers: 1, segments: 1, lines: 3 });
    await first.answer("acc_ada", "ans_2");
    expect(await first.backUp(START + MINUTE)).toMatchObject({
      segments: 1,
      lines: 2,
      mismatches: 0,
    });
    const [one = "", two = ""] = await segmentsOf("acc_ada");
    const [text, next] = [await textOf(one), storedSegment.read(await textOf(two))];
    expect(text).not.toContain("ada");
    expect([next.from, next.to]).toEqual([4, 5]);
    const before = await namesBelow("");
    await first.backUp(START + 2 * MINUTE, false);
    expect(await namesBelow(""), "a ledger that has not moved").toEqual(before);
    expect(next.previous).toBe(await sha256Hex(new Uint8Array(new TextEncoder().encode(text))));
  });

  test("beside another one at the same time writes each line once", async () => {
    await first.open("acc_ada", 1_000);
    await Promise.all([first.backUp(START), first.backUp(START + 1), first.backUp(START + 2)]);
    await first.answer("acc_ada", "ans_1");
    const runs = await Promise.all([first.backUp(START + 3), first.backUp(START + 4)]);
    expect(runs.map(({ mismatches, failures }) => mismatches + failures)).toEqual([0, 0]);
    expect(await verifyAll()).toMatchObject({ ledgers: 1, lines: 3, faults: [] });
  });

  test("finds its place again in the bucket where the tables have lost it", async () => {
    await first.open("acc_ada", 1_000);
    await first.backUp(START);
    await env.LOST_DB.prepare("DELETE FROM ledger_exports").run();
    await first.answer("acc_ada", "ans_1");
    expect(await first.backUp(START + MINUTE)).toMatchObject({ lines: 2, mismatches: 0 });
    expect(await verifyAll()).toMatchObject({ lines: 3, faults: [] });
  });

  test("counts a ledger that says otherwise than its lines as a mismatch, and goes on with the others", async () => {
    const faults = vi.spyOn(console, "error").mockImplementation(() => {});
    await first.open("acc_bad", 1_000);
    await first.open("acc_good", 1_000);
    await runInDurableObject(first.bindings.LEDGER.getByName("acc_bad"), (_, state) => {
      state.storage.sql.exec("UPDATE entries SET amount = 999, available = 999");
    });
    expect(await first.backUp(START)).toMatchObject({ ledgers: 1, mismatches: 1 });
    expect(String(faults.mock.calls[0])).toContain("a backup is not what it is of");
    expect(await readBackupFigures(env.LOST_DB)).toMatchObject({ mismatches: 1, lastRunAt: START });
    expect(await segmentsOf("acc_good")).toHaveLength(1);
  });

  test("counts a ledger that has lost lines as a mismatch", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    await first.open("acc_ada", 1_000);
    await first.answer("acc_ada", "ans_1");
    await first.backUp(START);
    await runInDurableObject(first.bindings.LEDGER.getByName("acc_ada"), (_, state) => {
      state.storage.sql.exec("DELETE FROM entries WHERE seq > 1");
      state.storage.sql.exec("UPDATE balances SET issuer = -1000, available = 1000, revenue = 0");
    });
    expect(await first.backUp(START + MINUTE)).toMatchObject({ mismatches: 1 });
  });

  test("leaves a bucket alone that another environment writes to: its last snapshot is not followed by an empty one", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    await first.open("acc_ada", 1_000);
    await first.backUp(START);
    const before = await namesBelow("");
    const fresh = await emptyEnvironment(env.NEW_DB);
    expect(await fresh.backUp(START + MINUTE)).toMatchObject({ isRefused: true });
    expect(await namesBelow("")).toEqual(before);
    expect(await readBackupFigures(env.NEW_DB)).toMatchObject({ failures: 1 });
  });

  test("forgets snapshots, cuts and details that are too old, and never the last ones or a line", async () => {
    await first.open("acc_ada", 1_000);
    for (const [index, at] of [START, START + DAY, START + 40 * DAY].entries()) {
      await first.answer("acc_ada", `ans_${index}`);
      await first.backUp(at);
    }
    const left = await Promise.all(["manifests/", "cuts/", "ledger/"].map(namesBelow));
    expect(left.map((names) => names.length)).toEqual([1, 2, 3]);
    // Of usage there is what other tests have left in the database: it is never deleted.
    const parts = (await namesBelow("tables/")).filter((name) => !name.includes("/usage/"));
    expect(parts.map((name) => name.split("/")[2])).toEqual(["accounts", "keys"]);
    expect(
      (await restoreInto(await emptyEnvironment(env.NEW_DB), START + 41 * DAY)).faults,
    ).toEqual([]);
  });
});

describe("verifying finds", () => {
  test("a segment that is missing, one that was altered, and the last altered, which nothing follows", async () => {
    await first.open("acc_ada", 1_000);
    await first.backUp(START);
    await first.answer("acc_ada", "ans_1");
    await first.backUp(START + MINUTE);
    expect(await verifyAll()).toMatchObject({ segments: 2, lines: 3, faults: [] });
    const [one = "", two = ""] = await segmentsOf("acc_ada");
    for (const [name, from, fault] of [
      [one, null, "missing"],
      [one, '"amount":1000', "altered"],
      [two, '"note":null', "altered"],
    ] as const) {
      const text = await textOf(name);
      if (from === null) await env.SHARED_BACKUPS.delete(name);
      else await env.SHARED_BACKUPS.put(name, text.replace(from, `${from} `));
      expect((await verifyAll()).faults.map((found) => found.fault)).toEqual([fault]);
      await env.SHARED_BACKUPS.put(name, text);
    }
  });

  test("a part of the tables that is missing or was altered", async () => {
    await first.open("acc_ada", 1_000);
    await first.backUp(START);
    const parts = await namesBelow("tables/");
    expect(await verifyAll()).toMatchObject({ parts: parts.length, faults: [] });
    const keys = parts.find((name) => name.includes("/keys/")) ?? "";
    await env.SHARED_BACKUPS.put(keys, (await textOf(keys)).replace("acc_ada", "acc_eve"));
    expect((await verifyAll()).faults).toEqual([{ name: keys, fault: "altered" }]);
  });
});

describe("every table of D1", () => {
  test("is exported, comes to be again, or is forgotten: none without a word", async () => {
    const { results } = await env.LOST_DB.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name <> 'd1_migrations'",
    ).all<{ name: string }>();
    expect(results.map(({ name }) => name).sort()).toEqual(Object.keys(tables).sort());
  });

  test("that is exported says whose its rows are", async () => {
    for (const { name, account } of snapshotTables) {
      const { results } = await env.LOST_DB.prepare("SELECT name FROM pragma_table_info(?)")
        .bind(name)
        .all<{ name: string }>();
      expect(results.map((column) => column.name)).toContain(account.split(".")[0]);
    }
  });
});

describe("an account that was erased", () => {
  test("is brought back by no restore, however old, and nothing but its lines is left of it", async () => {
    await first.open("acc_ada", 1_000);
    await first.open("acc_bob", 1_000);
    const idempotency = { scope: "key_1 sub:ada /v1/answers x", fingerprint: "f" };
    await first.answer("acc_ada", "ans_1", { idempotency });
    await first.backUp(START);
    const book = String(first.bindings.LEDGER.getByName("acc_ada").id);
    await forgetInBackups(first.bindings, { accountId: "acc_ada", book, now: START + MINUTE });
    expect(await namesBelow(`cuts/${book}/`)).toEqual([]);
    expect(await namesBelow(`details/${book}/`)).toEqual([]);
    expect(await segmentsOf("acc_ada")).toHaveLength(1);
    const second = await emptyEnvironment(env.NEW_DB);
    await restoreInto(second, START + 1);
    const { results } = await env.NEW_DB.prepare("SELECT id FROM accounts").all();
    expect(results).toEqual([{ id: "acc_bob" }]);
    expect(await second.ledger("acc_ada").balance()).toMatchObject({ issuer: 0n });
    expect(await second.ledger("acc_bob").balance()).toMatchObject({ available: micros(1_000) });
  });
});
