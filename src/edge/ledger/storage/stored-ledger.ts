import type { Notice } from "#domain/notice.ts";
import type { PaymentState } from "#domain/top-up.ts";
import type { UsageEvent } from "#wire/function/usage-event.ts";
import {
  isStrings,
  membersOf,
  type StoredJson,
  storedJson,
  unchanged,
} from "../../storage/stored-json.ts";

/** Names of the counters that a hold was spent from. */
export const storedCapCounters: StoredJson<readonly string[]> = storedJson({
  name: "spend-cap counters of a hold",
  is: isStrings,
  upgrades: [unchanged],
});

/** What was charged or given back, on its way to the queue. */
export const storedUsage: StoredJson<UsageEvent> = storedJson({
  name: "a usage event",
  is: membersOf<UsageEvent>({
    id: "string",
    account: "string",
    micros: "number",
    at: "number",
  }),
  upgrades: [unchanged],
});

/** What was heard of a payment. */
export const storedPayment: StoredJson<PaymentState> = storedJson({
  name: "a payment",
  is: membersOf<PaymentState>({
    paid: "bigint",
    refundedTotal: "bigint",
    refunds: "object",
    disputes: "object",
  }),
  upgrades: [unchanged],
});

/** Something that an account is to be told. */
export const storedNotice: StoredJson<Notice> = storedJson({
  name: "a notice",
  is: membersOf<Notice>({
    id: "string",
    type: "string",
    accountId: "string",
    owner: ["string", "absent"],
    at: "number",
    lifetimeMs: ["number", "absent"],
    patienceMs: ["number", "absent"],
    data: "object",
  }),
  upgrades: [unchanged],
});
