import { describe, expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import { main } from "#cli/main.ts";
import { problemResponse } from "#wire/error.ts";
import { failures } from "../support/edge-builders.ts";
import { apiDouble, recordedIo } from "../support/edge-command-io.ts";

const endpoint = {
  ...{ id: "whe_1", object: "webhook_endpoint", url: "https://example.com/hook", events: null },
  ...{ signing: "hmac", public_key: null, enabled: true, disabled_reason: null },
  ...{ created_at: "2026-11-23T00:00:00.000Z", previous_secret_expires_at: null },
};
const delivery = {
  ...{ id: "whd_1", object: "webhook_delivery", notice: "evt_1", event: "answer.completed" },
  ...{ endpoint: "whe_1", url: "https://example.com/hook", status: "failed", attempt_count: 2 },
  ...{ created_at: "2026-11-23T04:05:06.000Z", next_attempt_at: null },
};

function page(data: readonly object[]): object {
  return { object: "list", data, has_more: false, next_cursor: null };
}

/** Runs a command against an API that gives one reply, with the key of the environment. */
async function run(args: readonly string[], reply: () => Response) {
  await using api = await apiDouble(reply);
  const io = recordedIo({ env: { UNMASK_HOME: "/nonexistent", UNMASK_KEY: "umk_test_x" } });
  const code = await main([...args, "--url", api.url], io);
  return { code, requests: api.requests, ...io.written };
}

describe("unmask webhooks", () => {
  test("adds an endpoint and prints nothing but its secret", async () => {
    const args = ["webhooks", "create", endpoint.url, "--events", "answer.completed,credit.low"];
    const ran = await run(args, () =>
      Response.json({ ...endpoint, events: ["answer.completed"], secret: "whsec_x" }),
    );
    expect([ran.code, ran.stdout]).toEqual([EXIT.done, "whsec_x\n"]);
    expect(ran.stderr).toContain("unmask webhooks test whe_1");
    const [request] = ran.requests;
    expect(request?.method).toBe("POST");
    expect(request?.headers.get("authorization")).toBe("Bearer umk_test_x");
    expect(await request?.json()).toEqual({
      url: endpoint.url,
      events: ["answer.completed", "credit.low"],
    });
  });

  test("prints the public key of one that signs with a key pair", async () => {
    const ed25519 = { ...endpoint, signing: "ed25519", public_key: "whpk_x", secret: null };
    const args = ["webhooks", "create", endpoint.url, "--signing", "ed25519"];
    const ran = await run(args, () => Response.json(ed25519));
    expect(ran.stdout).toBe("whpk_x\n");
    expect(await ran.requests[0]?.json()).toEqual({ url: endpoint.url, signing: "ed25519" });
  });

  test("lists endpoints, with why one is off", async () => {
    const off = { ...endpoint, id: "whe_2", enabled: false, disabled_reason: "failing" };
    const ran = await run(["webhooks", "list"], () =>
      Response.json(page([endpoint, { ...off, events: ["credit.low"] }])),
    );
    expect(ran.stdout).toBe(
      [
        "ENDPOINT  URL                       EVENTS                SIGNING  STATE\n",
        "whe_1     https://example.com/hook  all but answer.draft  hmac     on\n",
        "whe_2     https://example.com/hook  credit.low            hmac     off (failing)\n",
      ].join(""),
    );
  });

  test.each<[string[], string, string, unknown]>([
    [["show", "whe_1"], "GET", "/v1/webhook_endpoints/whe_1", undefined],
    [
      ["change", "whe_1", "--to", "https://b.example"],
      "PATCH",
      "/v1/webhook_endpoints/whe_1",
      { url: "https://b.example" },
    ],
    [
      ["change", "whe_1", "--events", "all", "--enable"],
      "PATCH",
      "/v1/webhook_endpoints/whe_1",
      { events: null, enabled: true },
    ],
    [["change", "whe_1", "--disable"], "PATCH", "/v1/webhook_endpoints/whe_1", { enabled: false }],
    [["rotate", "whe_1"], "POST", "/v1/webhook_endpoints/whe_1/rotate_secret", undefined],
    [["test", "whe_1"], "POST", "/v1/webhook_endpoints/whe_1/test", undefined],
    [["secret"], "GET", "/v1/webhook_secret", undefined],
    [["secret", "--rotate"], "POST", "/v1/webhook_secret/rotate", undefined],
  ])("%j is %s %s", async (args, method, address, body) => {
    const reply = { ...endpoint, secret: "whsec_x", notice: "evt_1" };
    const ran = await run(["webhooks", ...args], () => Response.json(reply));
    expect([ran.code, ran.stderr]).toEqual([EXIT.done, expect.not.stringContaining("undefined")]);
    const [request] = ran.requests;
    expect([request?.method, new URL(request?.url ?? "").pathname]).toEqual([method, address]);
    const sent = (await request?.text()) ?? "";
    expect(sent === "" ? undefined : JSON.parse(sent)).toEqual(body);
  });

  test("deletes an endpoint, whose reply has no body", async () => {
    const ran = await run(
      ["webhooks", "delete", "whe_1"],
      () => new Response(null, { status: 204 }),
    );
    expect([ran.code, ran.stdout]).toEqual([EXIT.done, "whe_1 is deleted\n"]);
    expect(ran.requests[0]?.method).toBe("DELETE");
  });

  test("says what is refused", async () => {
    const ran = await run(["webhooks", "list"], () =>
      problemResponse(failures.scope_missing, {
        requestId: "req_1",
        instance: "/v1/webhook_endpoints",
      }),
    );
    expect(ran.code).toBe(EXIT.failed);
    expect(ran.stderr).toContain("[scope_missing, req_1]");
  });

  test.each([
    [[]],
    [["create"]],
    [["list", "whe_1"]],
    [["burn", "whe_1"]],
    [["change", "whe_1"]],
    [["change", "whe_1", "--enable", "--disable"]],
    [["create", "https://a.example", "--signing", "rsa"]],
    [["secret", "whe_1"]],
  ])("refuses %j as wrong usage, and asks nothing", async (args) => {
    const ran = await run(["webhooks", ...args], () => Response.json({}));
    expect([ran.code, ran.requests]).toEqual([EXIT.usage, []]);
  });
});

describe("unmask deliveries", () => {
  test("lists the newest, of the kind that is asked for", async () => {
    const ran = await run(
      ["deliveries", "list", "--status", "failed", "--endpoint", "whe_1", "--limit", "1"],
      () => Response.json(page([delivery, { ...delivery, id: "whd_2" }])),
    );
    expect(ran.stdout).toBe(
      [
        "DELIVERY  AT                   EVENT             STATUS  ATTEMPTS  TO\n",
        "whd_1     2026-11-23T04:05:06  answer.completed  failed         2  whe_1\n",
      ].join(""),
    );
    expect(Object.fromEntries(new URL(ran.requests[0]?.url ?? "").searchParams)).toEqual({
      limit: "100",
      ...{ status: "failed", endpoint: "whe_1" },
    });
  });

  test("shows every attempt, and what a receiver wrote as text that steers nothing", async () => {
    const attempts = [
      { number: 1, at: "2026-11-23T04:05:06.000Z", duration_ms: 12.6, status: 302, failure: null },
      { number: 2, at: "2026-11-23T04:05:36.000Z", duration_ms: 3000, status: null },
    ];
    const locations = [
      { location: "/\u001b[31m", response: "Moved.\u001b[2J\n<b>here</b>" },
      { location: null, failure: "timeout: slow", response: null },
    ];
    const ran = await run(["deliveries", "show", "whd_1"], () =>
      Response.json({
        ...delivery,
        endpoint: null,
        body: '{"answer":"\u009b31mA cat."}',
        attempts: attempts.map((attempt, index) => ({ ...attempt, ...locations[index] })),
      }),
    );
    expect(ran.stdout).toContain("webhook-id evt_1, to https://example.com/hook\n");
    expect(ran.stdout).toMatch(/^ +1 {2}2026-11-23T04:05:06 +13 +302 +"\/\\u001b\[31m"$/m);
    expect(ran.stdout).toMatch(/^ +2 {2}2026-11-23T04:05:36 +3000 +- +"timeout: slow"$/m);
    expect(ran.stdout).toContain("\nreply 1\nMoved.\u{FFFD}[2J\n<b>here</b>\n");
    expect(ran.stdout).not.toContain("reply 2");
    expect(ran.stdout).toContain('\nbody\n{\n  "answer": "\u{FFFD}31mA cat."\n}\n');
  });

  test("sends one again, or all of a time", async () => {
    const reply = () => Response.json({ object: "redelivery", count: 3 });
    const one = await run(["deliveries", "redeliver", "whd_1"], reply);
    expect(new URL(one.requests[0]?.url ?? "").pathname).toBe(
      "/v1/webhook_deliveries/whd_1/redeliver",
    );
    const args = ["redeliver", "--since", "2026-11-23T04:00:00+01:00", "--status", "waiting"];
    const many = await run(["deliveries", ...args], reply);
    expect(many.stdout).toBe("3 on the way again\n");
    expect(await many.requests[0]?.json()).toEqual({
      since: "2026-11-23T03:00:00.000Z",
      status: "waiting",
    });
  });

  test.each([
    [[], { status: "failed" }],
    [["--status", "all"], {}],
  ])("sends again of a time what failed, and with %j %j", async (more, filter) => {
    const since = "2026-11-23T03:00:00.000Z";
    const args = ["deliveries", "redeliver", "--since", since, ...more];
    const ran = await run(args, () => Response.json({ object: "redelivery", count: 3 }));
    expect(await ran.requests[0]?.json()).toEqual({ since, ...filter });
  });

  test("takes a while ago for a time", async () => {
    const before = Date.now();
    const ran = await run(["deliveries", "redeliver", "--since", "2h", "--until", "30m"], () =>
      Response.json({ object: "redelivery", count: 0 }),
    );
    const { since, until } = JSON.parse((await ran.requests[0]?.text()) ?? "");
    expect(Date.parse(since)).toBeGreaterThanOrEqual(before - 2 * 3_600_000);
    expect(Date.parse(until) - Date.parse(since)).toBe(90 * 60_000);
  });

  test.each([
    [[]],
    [["show"]],
    [["list", "whd_1"]],
    [["redeliver"]],
    [["redeliver", "whd_1", "--since", "2h"]],
    [["redeliver", "--since", "yesterday"]],
    [["list", "--status", "lost"]],
    [["list", "--limit", "0"]],
  ])("refuses %j as wrong usage, and asks nothing", async (args) => {
    const ran = await run(["deliveries", ...args], () => Response.json({}));
    expect([ran.code, ran.requests]).toEqual([EXIT.usage, []]);
  });
});

describe("unmask credit line", () => {
  const account = { id: "acc_1", object: "account", name: "Ada", credit_low_micros: 2_500_000 };
  const admin = { UNMASK_HOME: "/nonexistent", UNMASK_ADMIN_KEY: "adm" };

  test.each([
    ["2.5", 2_500_000, "acc_1 is told once its credit is below $2.500000\n"],
    ["off", null, "acc_1 is not told when its credit runs low\n"],
  ])("draws the line at %s", async (text, line, words) => {
    await using api = await apiDouble(() => Response.json({ ...account, credit_low_micros: line }));
    const io = recordedIo({ env: admin });
    expect(await main(["credit", "line", "acc_1", text, "--url", api.url], io)).toBe(EXIT.done);
    const [request] = api.requests;
    expect([request?.method, new URL(request?.url ?? "").pathname]).toEqual([
      "PATCH",
      "/v1/accounts/acc_1",
    ]);
    expect(await request?.json()).toEqual({ credit_low_micros: line });
    expect(io.written.stdout).toBe(words);
  });

  test("stands in the list of accounts", async () => {
    const opened = { ...account, created_at: "2026-11-23T00:00:00.000Z" };
    await using api = await apiDouble(() => Response.json(page([opened])));
    const io = recordedIo({ env: admin });
    await main(["accounts", "list", "--url", api.url], io);
    expect(io.written.stdout).toBe(
      "ACCOUNT  NAME  OPENED      TOLD BELOW\nacc_1    Ada   2026-11-23   $2.500000\n",
    );
  });

  test.each([[["line", "acc_1"]], [["line", "acc_1", "lots"]], [["line", "acc_1", "1", "--id"]]])(
    "refuses %j as wrong usage",
    async (args) => {
      const io = recordedIo({ env: admin });
      expect(await main(["credit", ...args], io)).toBe(EXIT.usage);
    },
  );
});
