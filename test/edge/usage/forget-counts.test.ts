import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { runScheduled } from "#edge/scheduled.ts";
import { COUNTS_LIFETIME_MS } from "#edge/usage/forget-counts.ts";

/** A year before all that other tests write. */
const NOW = Date.UTC(2025, 5, 15, 12);

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

async function idsOf(table: "refusals" | "replays"): Promise<readonly unknown[]> {
  const { results } = await env.DB.prepare(
    `SELECT id FROM ${table} WHERE account_id = 'acc_forgetful' ORDER BY id`,
  ).all();
  return results.map(({ id }) => id);
}

async function total(): Promise<unknown> {
  const sum = "SELECT refusals FROM refusal_totals WHERE code = 'forgetful'";
  return (await env.DB.prepare(sum).first())?.["refusals"];
}

test("counts of refusals and replays are forgotten after a quarter, their sums since the beginning never", async () => {
  const oldest = NOW - COUNTS_LIFETIME_MS;
  const refused = env.DB.prepare(
    "INSERT INTO refusals (id, account_id, key_id, day, code, count) VALUES (?, 'acc_forgetful', 'key', ?, 'forgetful', 3)",
  );
  const replayed = env.DB.prepare(
    "INSERT INTO replays (id, replay_of, account_id, model, outcome, at) VALUES (?, 'ans', 'acc_forgetful', 'demo', 'same', ?)",
  );
  await env.DB.batch([
    refused.bind("evt_forgotten", dayOf(oldest - 86_400_000)),
    refused.bind("evt_kept", dayOf(oldest)),
    replayed.bind("rep_forgotten", oldest - 1),
    replayed.bind("rep_kept", oldest),
  ]);
  const atHalfPast = NOW + 1_800_000;
  await runScheduled({ scheduledTime: atHalfPast }, env);
  expect(await idsOf("refusals")).toEqual(["evt_forgotten", "evt_kept"]);
  await runScheduled({ scheduledTime: NOW }, env);
  expect(await idsOf("refusals")).toEqual(["evt_kept"]);
  expect(await idsOf("replays")).toEqual(["rep_kept"]);
  expect(await total()).toBe(6);
});
