import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, afterEach, beforeEach, vi } from "vitest";
import { micros } from "#domain/micros.ts";
import { AccountTable } from "#edge/accounts/account-store.ts";
import { Patience } from "#edge/answers/making/patience.ts";
import { KeyTable } from "#edge/keys/key-store.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { settingsOf } from "#edge/settings.ts";
import { QuietAccounts } from "#edge/webhooks/quiet.ts";
import { hashSecret, KEY_SCOPES, parseKey } from "#wire/api/accounts/key.ts";
import { bringContract } from "./checked-fetch.ts";
import { keepConsole } from "./kept-console.ts";

// Before anything is done that may write to it.
const tellKept = keepConsole(console);
afterEach(tellKept);
afterAll(tellKept);

// Runs before every test file: the API's description for `ask`, the tables, the account acc_test with a thousand dollars, and the key of the tests.

await applyD1Migrations(env.DB, JSON.parse(env.TEST_MIGRATIONS) as D1Migration[]);
const key = parseKey(env.TEST_API_KEY);
if (!key.ok) throw new Error(`the key of the tests is ${key.refusal}`);
const { keyLimits, accountLimits } = settingsOf(env);
const isNew = await new AccountTable(env.DB).insert({
  id: "acc_test",
  name: "Tests",
  limits: accountLimits,
  stripeCustomerId: "cus_test",
  createdAt: 0,
});
if (isNew)
  await new KeyTable(env.DB).insert({
    id: key.value.id,
    accountId: "acc_test",
    name: "tests",
    environment: "test",
    secretSha256: await hashSecret(key.value),
    previous: null,
    scopes: KEY_SCOPES,
    limits: { ...keyLimits, spendPerDayMicros: null, spendPerMonthMicros: null },
    models: null,
    origins: null,
    createdAt: 0,
    expiresAt: null,
    revokedAt: null,
  });
await ledgerOf(env, "acc_test").grant({
  grantId: "seed",
  amount: micros(1_000_000_000),
  note: "seed",
});
// What an earlier file asked under a clock of its own would stand first in every list.
for (const table of ["answers", "batches"])
  await env.DB.prepare(`DELETE FROM ${table} WHERE created_at > ?`).bind(Date.now()).run();
await bringContract();

// What the Worker waits for of its own accord would be a minute of these tests: between two attempts at an answer (a second where a
// function fails), and until an account's first endpoint is confirmed. How long that is: test/flow/patience.test.ts, generation-attempts.test.ts
// and quiet-accounts.test.ts; webhooks/quiet.test.ts waits for it.
beforeEach(() => {
  vi.spyOn(Patience.prototype, "pause").mockRestore();
  const { pause } = Patience.prototype;
  vi.spyOn(Patience.prototype, "pause").mockImplementation((milliseconds, signal) =>
    pause(Math.min(milliseconds, 20), signal),
  );
  vi.spyOn(QuietAccounts, "over").mockResolvedValue();
});
