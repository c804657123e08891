import { listOf, type StandIn } from "./stand-in.ts";

const DAY_MS = 86_400_000;

/** A time so long before now. */
function ago(days: number, minutes = 0): string {
  return new Date(Date.now() - days * DAY_MS - minutes * 60_000).toISOString();
}

const scopes = ["usage", "answers", "replay", "webhooks", "keys"];

const session = {
  ...{
    id: "ses_1",
    object: "session",
    role: "account",
    account: "adas-shop",
    key: "K3yOfAda00000001",
  },
  ...{ scopes, created_at: ago(0, 40), last_used_at: ago(0), current: true },
  ...{ expires_at: ago(-0.3), idle_expires_at: ago(-0.05) },
};

const keys = [
  { id: "K3yOfAda00000001", name: "shop backend", share: 1 },
  { id: "K3yOfAda00000002", name: "phone app", share: 0.6 },
  { id: "K3yOfAda00000003", name: "night batch", share: 0.35 },
] as const;

const limits = {
  ...{ requests_per_minute: 600, steps_per_minute: 20_000, concurrent: 16 },
  ...{ spend_per_day_micros: null, spend_per_month_micros: null },
};

/** Spend of a month as a shop has it: weekends are quiet, and it grows. The same each time. */
function usageRows(): readonly object[] {
  return Array.from({ length: 30 }, (_, index) => {
    const date = new Date(Date.now() - (29 - index) * DAY_MS);
    const quiet = [0, 6].includes(date.getUTCDay()) ? 0.35 : 1;
    return keys.map(({ id, share }, place) => ({
      ...{ day: date.toISOString().slice(0, 10), key: id, model: "unmask-demo" },
      ...{ answers: 40, steps: 640 },
      charged_micros: Math.round(
        share * quiet * (60_000 + index * 2_600 + 26_000 * Math.sin(index * 1.7 + place * 2)),
      ),
    }));
  })
    .flat()
    .reverse();
}

const answers = Array.from({ length: 8 }, (_, index) => ({
  ...{ id: `ans_0Kb3nV7cQ2xY9mTgA4hZ${index}`, object: "answer_summary", model: "unmask-demo" },
  status: ["completed", "completed", "partial", "completed", "failed"][index % 5],
  key: keys[index % 3]?.id,
  charged_micros: index % 5 === 4 ? 0 : 1728,
  created_at: ago(0, index * 7),
  ended_at: ago(0, index * 7),
}));

const delivery = {
  ...{ id: "whd_1", object: "webhook_delivery", notice: "evt_0Kb3nV7cQ2xY9mTgA4hZw" },
  ...{ event: "answer.completed", endpoint: "whe_1", url: "https://shop.example/unmask" },
  ...{ status: "failed", attempt_count: 2, created_at: ago(0, 12), next_attempt_at: null },
};

const balance = {
  ...{
    available_micros: 18_420_340,
    held_micros: 13_824,
    spent_micros: 31_565_836,
    owed_micros: 0,
  },
};

const forecast = {
  ...{ days_observed: 7, spend_per_day_micros: 241_300, days_left: 76.3, empty_at: ago(-76.3) },
};

/** The account of a shop in its first month. */
export function customerStandIn(): StandIn {
  return {
    "GET /v1/session": session,
    "GET /v1/account": {
      ...{ id: "adas-shop", object: "account", name: "Ada's shop", created_at: ago(31) },
      ...{ limits, credit_low_micros: 5_000_000, balance, forecast },
      top_up: { url: "https://pay.example/checkout" },
    },
    "GET /v1/usage": listOf(usageRows()),
    "GET /v1/ledger": listOf(
      [
        { kind: "capture", amount_micros: 1728, answer: answers[0]?.id, key: keys[0].id },
        { kind: "hold", amount_micros: 1728, answer: answers[0]?.id, key: keys[0].id },
        { kind: "refund", amount_micros: 1728, answer: answers[3]?.id, reference: "rfd_1" },
        { kind: "grant", amount_micros: 20_000_000, reference: "pay_1", note: "paid by card" },
      ].map((entry, index) => ({
        ...{
          seq: 900 - index,
          available_micros: 18_420_340 - index * 900,
          created_at: ago(0, index),
        },
        ...{ answer: null, key: null, reference: null, note: null },
        ...entry,
      })),
      "next",
    ),
    "GET /v1/keys": listOf(
      keys.map(({ id, name }, index) => ({
        ...{ id, object: "key", account: "adas-shop", name, environment: "live", models: null },
        scopes: index === 0 ? ["ask", "jobs", "webhooks", "usage", "keys"] : ["ask"],
        limits: index === 1 ? { ...limits, spend_per_day_micros: 500_000 } : limits,
        origins: index === 1 ? ["https://app.shop.example"] : null,
        ...{ created_at: ago(30), expires_at: null, previous_secret_expires_at: null },
        revoked_at: index === 2 ? ago(1) : null,
        last_used_at: ago(0, 3 + index * 600),
      })),
    ),
    "GET /v1/webhook_endpoints": listOf([
      {
        ...{ id: "whe_1", object: "webhook_endpoint", url: "https://shop.example/unmask" },
        ...{ events: null, signing: "hmac", public_key: null, enabled: true },
        ...{ disabled_reason: null, created_at: ago(29), previous_secret_expires_at: null },
      },
    ]),
    "GET /v1/webhook_deliveries": listOf([
      delivery,
      { ...delivery, id: "whd_2", status: "delivered", attempt_count: 1, created_at: ago(0, 30) },
    ]),
    "GET /v1/webhook_deliveries/whd_1": {
      ...delivery,
      body: '{"type":"answer.completed","timestamp":"2026-11-28T08:00:00Z","data":{"answer":"A dog."}}',
      attempts: [
        {
          ...{ number: 1, at: ago(0, 12), duration_ms: 86, status: 503, location: null },
          ...{ failure: null, retry_after: 90, response: "upstream connect error <img src=x>" },
        },
        {
          ...{ number: 2, at: ago(0, 11), duration_ms: 5000, status: null, location: null },
          ...{ failure: "timeout: no reply within 5 s", retry_after: null, response: null },
        },
      ],
    },
    "GET /v1/answers": listOf(answers),
    [`GET /v1/answers/${answers[0]?.id}`]: {
      ...answers[0],
      ...{
        object: "answer",
        answer: "A dog on the left and an apple on the right.",
        cached: false,
      },
      ...{ digest: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae" },
      ...{ usage: { steps: 16 }, warnings: [], abstention: null },
    },
    "GET /v1/refusals": listOf(
      [
        { code: "rate_limited", count: 132 },
        { code: "insufficient_credit", count: 41 },
        { code: "image_too_large", count: 9 },
      ].map((row, index) => ({ day: ago(index).slice(0, 10), key: keys[0].id, ...row })),
    ),
    "GET /v1/sessions": listOf([session, { ...session, id: "ses_2", current: false, key: null }]),
  };
}

/** The same installation as its administrator sees it. */
export function administratorStandIn(): StandIn {
  const account = (id: string, name: string): object => ({
    ...{ id, object: "account", name, limits, stripe_customer_id: null, credit_low_micros: null },
    created_at: ago(31),
  });
  const customer = customerStandIn();
  return {
    "GET /v1/session": { ...session, role: "administrator", account: null, scopes: ["admin"] },
    "GET /v1/accounts": listOf([
      account("adas-shop", "Ada's shop"),
      account("zuse", "Zuse Museum"),
      account("local", "This machine"),
    ]),
    "GET /v1/accounts/adas-shop": {
      ...account("adas-shop", "Ada's shop"),
      ...{ balance, forecast },
    },
    "GET /v1/accounts/adas-shop/ledger": customer["GET /v1/ledger"] ?? {},
    "GET /v1/keys": customer["GET /v1/keys"] ?? {},
    "GET /v1/functions": listOf([
      {
        ...{ object: "function", url: "https://fn-1.example", state: "ready" },
        ...{ model: { name: "unmask-demo", version: "3", digest: "9f86d081884c7d65" } },
        ...{
          loaded_bytes: 2_700_000,
          total_bytes: 2_700_000,
          eta_seconds: 0,
          reason: null,
          running: 3,
          places: 4,
          queued: 1,
          queued_steps: 96,
        },
      },
      {
        ...{ object: "function", url: "https://fn-2.example", state: "loading" },
        ...{ model: { name: "unmask-demo", version: "3", digest: "9f86d081884c7d65" } },
        ...{ loaded_bytes: 1_100_000, total_bytes: 2_700_000, eta_seconds: 14 },
        // One of before says nothing of its load.
        ...{ reason: null, running: null, places: null, queued: null, queued_steps: null },
      },
      {
        ...{ object: "function", url: "https://fn-3.example", state: "unreachable" },
        ...{ running: null, places: null, queued: null, queued_steps: null },
      },
    ]),
    "GET /v1/payment_events": listOf([
      {
        ...{ id: "evt_1", object: "payment_event", provider: "stripe", payment: "pi_1" },
        ...{ type: "checkout.session.completed", account: "adas-shop", state: "applied" },
        ...{ reason: null, amount_micros: 20_000_000, received_at: ago(1) },
      },
      {
        ...{ id: "evt_2", object: "payment_event", provider: "stripe", payment: "pi_2" },
        ...{ type: "checkout.session.completed", account: null, state: "parked" },
        ...{ reason: "names no account", amount_micros: 5_000_000, received_at: ago(0, 90) },
      },
      {
        ...{ id: "evt_3", object: "payment_event", provider: "stripe", payment: null },
        ...{ type: "charge.refunded", account: null, state: "received" },
        ...{ reason: null, amount_micros: null, received_at: ago(0, 95) },
      },
    ]),
    "GET /v1/sessions": listOf([session]),
  };
}
