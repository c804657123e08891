import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exactMoney, microsOf, roundMoney, typedMoney } from "#playground/account/data/amounts.ts";
import { readKeyForm } from "#playground/account/data/key-fields.ts";
import { countedByCode } from "#playground/account/data/refused.ts";
import { daysUntil, MOST_KEYS, spendOf, stacked } from "#playground/account/data/spend.ts";
import type { UsageRow } from "#wire/api/accounts/usage.ts";

describe("amounts", () => {
  test.each([
    [0, "$0.00"],
    [1, "$0.000001"],
    [1_728, "$0.001728"],
    [500_000, "$0.50"],
    [-1_728, "−$0.001728"],
    [1_234_567_890_000, "$1,234,567.89"],
  ])("%i micro-dollars read %s, to the last of them", (micros, text) => {
    expect(exactMoney(micros)).toBe(text);
  });

  test("a balance is rounded down to the cent: what is shown is there; less than a cent is shown whole", () => {
    expect(roundMoney(18_429_999)).toBe("$18.42");
    expect(roundMoney(9_999)).toBe("$0.009999");
  });

  test("what is shown in a field reads back as the same amount", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (micros) => {
        expect(microsOf(typedMoney(micros))).toBe(micros);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test.each(["", "abc", "-1", "1.2345678", "1e3", "1.2.3", "Infinity"])(
    "“%s” is no amount of dollars",
    (text) => {
      expect(microsOf(text)).toBeNull();
    },
  );
});

describe("spend", () => {
  const row = (day: string, key: string, charged_micros: number): UsageRow => ({
    ...{ day, key, model: "m", answers: 1, steps: 1 },
    charged_micros,
  });

  test("days are those of UTC, today last", () => {
    expect(daysUntil(Date.parse("2026-03-01T00:00:00Z"), 3)).toEqual([
      "2026-02-27",
      "2026-02-28",
      "2026-03-01",
    ]);
  });

  test("rows of one key on one day are one bar, and who spent most stands at the ground", () => {
    const days = ["2026-01-01", "2026-01-02"];
    const rows = [row("2026-01-01", "a", 5), row("2026-01-02", "b", 20), row("2026-01-01", "a", 2)];
    const spend = spendOf(rows, days);
    expect(spend.keys).toEqual([
      { key: "b", perDay: [0, 20], total: 20 },
      { key: "a", perDay: [7, 0], total: 7 },
    ]);
    expect(stacked(spend)).toEqual([
      [0, 20],
      [7, 20],
    ]);
  });

  test("no micro-dollar is lost, however many keys share the last colour", () => {
    const days = daysUntil(Date.parse("2026-01-31T12:00:00Z"), 30);
    const someRow = fc
      .tuple(fc.constantFrom(...days), fc.integer({ min: 1, max: 12 }), fc.nat(1_000_000))
      .map(([day, key, micros]) => row(day, `key-${key}`, micros));
    fc.assert(
      fc.property(fc.array(someRow, { maxLength: 60 }), (rows) => {
        const spend = spendOf(rows, days);
        const total = rows.reduce((sum, { charged_micros }) => sum + charged_micros, 0);
        expect(spend.total).toBe(total);
        expect(spend.keys.reduce((sum, each) => sum + each.total, 0)).toBe(total);
        expect(spend.keys.length).toBeLessThanOrEqual(MOST_KEYS);
        const tops = stacked(spend).at(-1);
        if (tops !== undefined) expect(tops).toEqual(spend.perDay);
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  test("a row of a day that is not shown is not counted", () => {
    expect(spendOf([row("2025-12-31", "a", 5)], ["2026-01-01"]).total).toBe(0);
  });
});

test("refusals are summed over days and keys, most often first, with the day of the last", () => {
  const rows = [
    { day: "2026-01-01", key: "a", code: "overloaded", count: 1 },
    { day: "2026-01-03", key: "b", code: "rate_limited", count: 2 },
    { day: "2026-01-02", key: "a", code: "rate_limited", count: 3 },
  ];
  expect(countedByCode(rows)).toEqual([
    { code: "rate_limited", count: 5, lastDay: "2026-01-03" },
    { code: "overloaded", count: 1, lastDay: "2026-01-01" },
  ]);
});

describe("the form of a key", () => {
  function form(fields: Readonly<Record<string, string>>, scopes = ["ask"]): FormData {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields)) data.set(name, value);
    for (const scope of scopes) data.append("scope", scope);
    return data;
  }

  test("what is left empty is no limit of its own, and lists are read line by line", () => {
    const read = readKeyForm(
      form({
        ...{ name: " app ", per_day: "0.5", per_month: "", concurrent: "4" },
        ...{ origins: "https://a.example\nhttps://b.example", models: "", expires: "2027-01-01" },
      }),
    );
    expect(read).toEqual({
      ok: true,
      value: {
        ...{ name: "app", scopes: ["ask"], models: null, expires_at: "2027-01-01T23:59:59Z" },
        origins: ["https://a.example", "https://b.example"],
        limits: { spend_per_day_micros: 500_000, spend_per_month_micros: null, concurrent: 4 },
      },
    });
  });

  test("every field that says nothing is named at once", () => {
    const read = readKeyForm(form({ name: "", per_day: "much", concurrent: "0" }, []));
    expect(read).toMatchObject({ ok: false });
    if (!read.ok)
      expect(read.refusal.map((fault) => fault.split(":")[0])).toEqual([
        "Name",
        "It may",
        "Dollars a day",
        "Answers at once",
      ]);
  });
});
