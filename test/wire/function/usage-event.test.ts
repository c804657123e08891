import { expect, test } from "vitest";
import { ownerOf } from "#edge/keys/viewer.ts";
import { clientTokenRequestSchema } from "#wire/api/accounts/client-token.ts";
import { queuedEventSchema } from "#wire/function/usage-event.ts";
import { MAX_BATCH_ITEMS, MAX_CANVAS } from "#wire/limits.ts";

const event = { id: "ans_1", account: "acc_1", key: "key_1", model: "demo", micros: 1, at: 0 };

test("a refund tells what it lowers", () => {
  const refund = { id: "acc_1 sorry", account: "acc_1", refund_of: "ans_1", micros: 1, at: 0 };
  expect(queuedEventSchema.parse(refund)).toEqual(refund);
});

test("a charge of a ledger that did not count answers is read", () => {
  expect(queuedEventSchema.parse({ ...event, steps: 4 })).toEqual({ ...event, steps: 4 });
});

test("a usage event may tell the steps of the largest batch, and no more", () => {
  const most = MAX_BATCH_ITEMS * MAX_CANVAS;
  expect(queuedEventSchema.safeParse({ ...event, steps: most }).success).toBe(true);
  expect(queuedEventSchema.safeParse({ ...event, steps: most + 1 }).success).toBe(false);
});

test("a charge of the longest subject that a client token may name is read, or its usage would never be copied", () => {
  const subject = "~".repeat(128);
  expect(clientTokenRequestSchema.safeParse({ spend_cap_micros: 1, subject }).success).toBe(true);
  expect(
    clientTokenRequestSchema.safeParse({ spend_cap_micros: 1, subject: `${subject}~` }).success,
  ).toBe(false);
  const charge = { ...event, steps: 4, owner: ownerOf({ id: "ctk_1", subject }) };
  expect(queuedEventSchema.parse(charge)).toEqual(charge);
});
