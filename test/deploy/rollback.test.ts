import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Version } from "../../infra/deploy/cloudflare/account/cloud.ts";
import {
  adminMarksIn,
  kidIn,
  MAX_MESSAGE_LENGTH,
  MAX_TAG_LENGTH,
  messageOf,
} from "../../infra/deploy/cloudflare/versions/label.ts";
import { planRollback } from "../../infra/deploy/cloudflare/versions/rollback.ts";
import {
  d1Migrations,
  isBreaking,
  readSchemas,
} from "../../infra/deploy/cloudflare/versions/schemas.ts";
import { MIGRATIONS, openStand, schemas } from "./stand.ts";

function version(number: number, message: string): Version {
  return {
    id: `v${number}`,
    tag: `t${number}`,
    message,
    createdAt: `2026-11-28T00:0${number}:00Z`,
  };
}

/** Newest first, the newest running. */
function plan(
  messages: readonly string[],
  wanted: string | null = null,
  said: { readonly isUnchecked?: boolean; readonly takesOldKeys?: boolean } = {},
) {
  const versions = messages.map((message, index) => version(index + 1, message)).reverse();
  const wish = { version: wanted, isUnchecked: false, takesOldKeys: false, ...said };
  return planRollback(versions, versions[0]?.id ?? null, wish);
}

describe("a rollback", () => {
  test("goes to the version of before where newer code only added", () => {
    const planned = plan(["d1=7/0 ledger=2/2 key=aaaa", "d1=8/0 ledger=3/2 key=aaaa"]);
    expect(planned).toMatchObject({ ok: true, value: { to: { id: "v1" } } });
  });

  test.each([
    ["d1=7/0 ledger=2/2", "d1=8/8 ledger=2/2", "D1's tables are at 8"],
    ["d1=8/0 ledger=2/2", "d1=8/0 ledger=3/3", "the objects of ledger are at 3"],
    ["d1=8/0 class=2/2", "d1=8/0 class=3/3", "knows 2 of 3 migrations of object classes"],
    ["d1=8/0", "d1=8/0 batches=1/1", "the objects of batches"],
  ])("from %j to %j the other way about is refused: %s", (before, now, words) => {
    const planned = plan([before, now]);
    expect(planned.ok ? [] : planned.refusal[0]).toContain(words);
  });

  test("counts what any version wrote, not only the one that runs", () => {
    expect(plan(["d1=1/0", "d1=2/2", "d1=1/0"], "v1").ok).toBe(false);
  });

  test("to a version that does not say what it can read is refused, unless that is wanted", () => {
    expect(plan(["by hand", "d1=8/0"]).ok).toBe(false);
    expect(plan(["by hand", "d1=8/0"], null, { isUnchecked: true }).ok).toBe(true);
  });

  test.each([
    ["key=aaaa", "key=bbbb", "aaaa in place of bbbb"],
    ["admin=1111", "admin=2222", "key 1111, which was replaced, opens it again"],
    // The overlap of a rotation: the new key is not known there yet, or the old one still is.
    ["admin=1111+2222", "admin=2222", "key 1111, which was replaced, opens it again"],
    ["admin=1111", "admin=1111+2222", "key 2222 of today opens it no more"],
    ["key=aaaa", "key=aaaa admin=2222", "key of then opens it, which may have been replaced"],
  ])(
    "from %j to %j the other way about brings keys back: refused unless they are asked for",
    (then, now, words) => {
      const messages = [`d1=8/0 ${then}`, `d1=8/0 ${now}`];
      const refused = plan(messages);
      expect(refused.ok ? "" : refused.refusal.join(" ")).toContain(words);
      expect(refused.ok ? "" : refused.refusal.join(" ")).toContain("--old-keys");
      const planned = plan(messages, null, { takesOldKeys: true });
      expect(planned.ok ? planned.value.means.join(" ") : "").toContain(words);
    },
  );

  test("between versions with the same keys asks for nothing", () => {
    expect(plan(["d1=8/0 key=aaaa admin=1111", "d1=8/0 key=aaaa admin=1111"]).ok).toBe(true);
  });

  test("to what is not there, or runs, is refused by name", () => {
    expect(plan(["d1=8/0", "d1=8/0"], "v9")).toMatchObject({ ok: false });
    expect(plan(["d1=8/0", "d1=8/0"], "v2")).toMatchObject({
      refusal: ["v2 is the version that runs"],
    });
    expect(plan(["d1=8/0"])).toMatchObject({ refusal: ["there is no version of before"] });
  });

  test("is carried out, and the tables stay", async () => {
    using stand = openStand();
    await stand.deploy();
    await stand.deploy({ tag: "0.1.0-second" });
    const [newest, before] = await stand.cloud.versions();
    expect(await stand.cloud.current()).toBe(newest?.id);
    await stand.cloud.rollback(before?.id ?? "", "back");
    expect(await stand.cloud.current()).toBe(before?.id);
    expect(stand.account().databases[0]?.applied).toEqual(d1Migrations(MIGRATIONS));
  });
});

describe("what a version says of itself", () => {
  test("has room where Cloudflare keeps it, and is read again", () => {
    const marks = { ticket: "t0123456789ab", admin: ["1111", "2222"] };
    const message = messageOf(schemas, marks);
    expect(message.length).toBeLessThanOrEqual(MAX_MESSAGE_LENGTH);
    expect(readSchemas(message)).toEqual(schemas);
    expect([kidIn(message), adminMarksIn(message)]).toEqual(["t0123456", marks.admin]);
    expect("10.20.30-0123456789ab".length).toBeLessThanOrEqual(MAX_TAG_LENGTH);
  });

  test.each(d1Migrations(MIGRATIONS))("%s only adds", (file) => {
    expect(isBreaking(readFileSync(path.join(MIGRATIONS, file), "utf8"))).toBe(false);
  });

  test.each([
    "DROP TABLE usage;",
    "DROP TRIGGER usage_is_never_changed;",
    "ALTER TABLE usage RENAME COLUMN at TO time;",
    "ALTER TABLE usage ADD COLUMN a TEXT NOT NULL;",
    "UPDATE usage SET answers = 1;",
    "CREATE TABLE a (b TEXT);\nINSERT INTO usage (id) VALUES ('x');",
    "CREATE TABLE a (b TEXT);\n-- then\nDROP INDEX usage_by_day;",
  ])("%j breaks older code", (sql) => {
    expect(isBreaking(sql)).toBe(true);
  });
});
