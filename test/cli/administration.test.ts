import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import { main } from "#cli/main.ts";
import { dollars, parseDollars, table } from "#cli/terminal/table.ts";
import { problemResponse } from "#wire/error.ts";
import { apiDouble, recordedIo } from "../support/edge-command-io.ts";

const key = {
  ...{ id: "k1", object: "key", account: "acc_1", name: "shop", environment: "live" },
  scopes: ["ask"],
  limits: {},
  ...{ models: null, origins: null, created_at: "2026-11-23T00:00:00.000Z" },
  ...{ expires_at: null, revoked_at: null, previous_secret_expires_at: null },
};

function page(data: readonly object[]): object {
  return { object: "list", data, has_more: false, next_cursor: null };
}

describe("unmask keys", () => {
  test("creates a key with what is asked, and prints nothing but the key", async () => {
    await using api = await apiDouble(() => Response.json({ ...key, key: "umk_live_x" }));
    const io = recordedIo({ env: { UNMASK_HOME: "/nonexistent", UNMASK_ADMIN_KEY: "adm" } });
    const args = ["keys", "create", "acc_1", "--scopes", "ask,usage", "--per-day", "0.5"];
    expect(await main([...args, "--url", api.url], io)).toBe(EXIT.done);
    expect(io.written.stdout).toBe("umk_live_x\n");
    const [request] = api.requests;
    expect(request?.headers.get("authorization")).toBe("Bearer adm");
    expect(await request?.json()).toEqual({
      account: "acc_1",
      scopes: ["ask", "usage"],
      limits: { spend_per_day_micros: 500_000 },
    });
  });

  test("lists keys as a table", async () => {
    await using api = await apiDouble(() => Response.json(page([key])));
    const io = recordedIo({ env: { UNMASK_HOME: "/nonexistent", UNMASK_ADMIN_KEY: "adm" } });
    await main(["keys", "list", "acc_1", "--url", api.url], io);
    expect(io.written.stdout).toBe(
      "KEY  NAME  SCOPES  MADE        STATE\nk1   shop  ask     2026-11-23  good\n",
    );
  });

  test.each([
    [["keys", "rotate", "k1", "--overlap", "60"], "POST", "/v1/keys/k1/rotate"],
    [["keys", "revoke", "k1"], "DELETE", "/v1/keys/k1"],
    [["credit", "grant", "acc_1", "1.5"], "POST", "/v1/accounts/acc_1/grants"],
    [["credit", "refund", "acc_1", "ans_1", "1.5"], "POST", "/v1/accounts/acc_1/refunds"],
    [["accounts", "create", "Ada"], "POST", "/v1/accounts"],
    [["accounts", "erase", "ada", "--confirm", "ada"], "POST", "/v1/accounts/ada/erase"],
  ])("%j is %s %s", async (args, method, address) => {
    const reply = { ...key, key: "umk", amount_micros: 1_500_000 };
    await using api = await apiDouble(() => Response.json(reply));
    const io = recordedIo({ env: { UNMASK_HOME: "/nonexistent", UNMASK_ADMIN_KEY: "adm" } });
    expect(await main([...args, "--url", api.url], io)).toBe(EXIT.done);
    expect(api.requests[0]?.method).toBe(method);
    expect(new URL(api.requests[0]?.url ?? "").pathname).toBe(address);
  });

  test("refunds what is said, under the name that is said", async () => {
    const refund = { id: "r1", answer: "ans_1", amount_micros: 250_000 };
    await using api = await apiDouble(() =>
      Response.json({ object: "refund", account: "acc_1", ...refund }),
    );
    const io = recordedIo({ env: { UNMASK_HOME: "/nonexistent", UNMASK_ADMIN_KEY: "adm" } });
    const args = ["credit", "refund", "acc_1", "ans_1", "0.25", "--id", "r1"];
    expect(await main([...args, "--url", api.url], io)).toBe(EXIT.done);
    expect(await api.requests[0]?.json()).toEqual(refund);
    expect(io.written.stdout).toBe("$0.250000 of ans_1 refunded to acc_1 (r1)\n");
  });

  test("takes the local administrator's key for the local service only", async () => {
    await using api = await apiDouble(() => Response.json(page([])));
    const home = mkdtempSync(path.join(tmpdir(), "unmask-"));
    try {
      mkdirSync(path.join(home, ".unmask"));
      const access = { url: api.url, key: "k", admin_key: "local-admin" };
      writeFileSync(path.join(home, ".unmask/local.json"), JSON.stringify(access));
      const env = { UNMASK_HOME: home };
      expect(await main(["accounts", "list"], recordedIo({ env }))).toBe(EXIT.done);
      expect(api.requests[0]?.headers.get("authorization")).toBe("Bearer local-admin");
      const elsewhere = recordedIo({ env });
      const code = await main(["accounts", "list", "--url", "http://127.0.0.1:1"], elsewhere);
      expect([code, elsewhere.written.stderr]).toEqual([
        EXIT.usage,
        expect.stringContaining("UNMASK_ADMIN_KEY"),
      ]);
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  test.each([
    [["credit", "grant", "acc_1", "1", "--id", "first"], "$1.000000 granted to acc_1"],
    [
      ["credit", "refund", "acc_1", "ans_1", "1", "--id", "first"],
      "$1.000000 of ans_1 refunded to acc_1",
    ],
  ])("%j says what it gave, and the second time that it was given before", async (args, given) => {
    const reply = {
      ...{ object: "grant", id: "first", account: "acc_1", answer: "ans_1" },
      amount_micros: 1_000_000,
    };
    let calls = 0;
    await using api = await apiDouble(() => Response.json({ ...reply, repeated: ++calls > 1 }));
    const io = recordedIo({ env: { UNMASK_HOME: "/nonexistent", UNMASK_ADMIN_KEY: "adm" } });
    for (const _ of [1, 2]) await main([...args, "--url", api.url], io);
    expect(io.written.stderr).toBe("");
    expect(io.written.stdout).toBe(
      `${given} (first)\n${given} before, as first; nothing was added now\n`,
    );
  });

  test.each([
    ["accounts", "list"],
    ["keys", "list", "acc_1"],
    ["credit", "grant", "acc_1", "1"],
  ])("%s %s with a wrong key is told which key that is and where it is read", async (...args) => {
    const failure = { kind: "unauthenticated", wanted: "administrator" } as const;
    const request = { requestId: "req_1", instance: "/v1/accounts" };
    await using api = await apiDouble(() => problemResponse(failure, request));
    const io = recordedIo({ env: { UNMASK_HOME: "/nonexistent", UNMASK_ADMIN_KEY: "uma_x" } });
    expect(await main([...args, "--url", api.url], io)).toBe(EXIT.failed);
    expect(io.written.stderr).toMatch(/administrator's key.*\nSet UNMASK_ADMIN_KEY .*local\.json/);
    expect(io.written.stderr).not.toMatch(/umk_|--key/);
  });

  test.each([
    ["keys"],
    ["keys", "burn", "k1"],
    ["credit", "grant", "acc_1", "lots"],
    ["credit", "grant", "acc_1", "-1"],
    ["credit", "grant", "acc_1", "1", "2"],
    ["credit", "refund", "acc_1", "1"],
    ["credit", "refund", "acc_1", "ans_1", "lots"],
    ["accounts", "create"],
  ])("refuses %j %j as wrong usage", async (...args) => {
    const io = recordedIo({ env: { UNMASK_HOME: "/nonexistent", UNMASK_ADMIN_KEY: "adm" } });
    const given = args.filter((text) => text !== undefined);
    expect(await main(given, io)).toBe(EXIT.usage);
  });
});

describe("unmask usage", () => {
  test("shows days, counts and dollars in columns, with their sum", async () => {
    const row = { day: "2026-11-23", key: "k1", model: "demo", answers: 2, steps: 64 };
    const rows = [
      { ...row, charged_micros: 1_250_000 },
      { ...row, key: "k2", answers: 10, charged_micros: 3 },
    ];
    await using api = await apiDouble(() => Response.json(page(rows)));
    const io = recordedIo();
    expect(await main(["usage", "--url", api.url, "--key", "k"], io)).toBe(EXIT.done);
    expect(io.written.stdout).toBe(
      [
        "DAY         KEY  MODEL  ANSWERS  STEPS    CHARGED",
        "2026-11-23  k1   demo         2     64  $1.250000",
        "2026-11-23  k2   demo        10     64  $0.000003",
        "$1.250003 in all\n",
      ].join("\n"),
    );
  });
});

describe("dollars", () => {
  test("are read to the micro-dollar and no further", () => {
    expect(["1", "$0.000001", "2.5", "999999999.999999"].map(parseDollars)).toEqual([
      1_000_000, 1, 2_500_000, 999_999_999_999_999,
    ]);
    expect(["", "1.", "-1", "1e3", "0.0000001", "1,5"].map(parseDollars)).toEqual(
      Array(6).fill(undefined),
    );
  });

  test("are written with every digit", () => {
    expect([0, 1, -2_500_000].map(dollars)).toEqual(["$0.000000", "$0.000001", "-$2.500000"]);
  });

  test("a table without rows is its head", () => {
    expect(table(["A", "B"], [])).toBe("A  B\n");
  });
});

describe("unmask resend", () => {
  test("calls until nothing is left, and says what stays", async () => {
    const replies = [
      { resent: 50, unreadable: 0, next_cursor: "m50" },
      { resent: 7, unreadable: 1, next_cursor: null },
    ];
    await using api = await apiDouble(() =>
      Response.json({ object: "resent_messages", ...replies.shift() }),
    );
    const io = recordedIo({ env: { UNMASK_HOME: "/nonexistent", UNMASK_ADMIN_KEY: "adm" } });
    expect(await main(["resend", "--url", api.url], io)).toBe(EXIT.failed);
    expect(io.written.stdout).toBe("57 sent again; 1 cannot be read by this version and stays\n");
    expect(await Promise.all(api.requests.map((request) => request.json()))).toEqual([
      {},
      { cursor: "m50" },
    ]);
  });
});
