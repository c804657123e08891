import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { StepError } from "../../infra/deploy/cloudflare/plan/execute.ts";
import { planDeployment } from "../../infra/deploy/cloudflare/plan/plan.ts";
import { showPlan } from "../../infra/deploy/cloudflare/plan/show.ts";
import { d1Migrations } from "../../infra/deploy/cloudflare/versions/schemas.ts";
import type { AccountState } from "../support/fake-account.ts";
import { Killed, MIGRATIONS, openStand } from "./stand.ts";

const WORKER = "unmask-production";

/** What an account holds, without what is drawn anew for each. */
function holdings({ databases, queues, buckets, rules, workers }: AccountState): object {
  return {
    databases: databases.map(({ name, applied }) => [name, applied]),
    queues: queues.toSorted(),
    buckets: buckets.toSorted(),
    rules: Object.fromEntries(Object.entries(rules).filter(([, some]) => some.length > 0)),
    secrets: Object.keys(workers[WORKER]?.secrets ?? {}).sort(),
    tags: [...new Set(workers[WORKER]?.versions.map(({ tag }) => tag))],
  };
}

const whole = {
  databases: [[WORKER, d1Migrations(MIGRATIONS)]],
  queues: [`${WORKER}-usage`, `${WORKER}-usage-dead`],
  buckets: [`${WORKER}-backups`, `${WORKER}-images`, `${WORKER}-weights`],
  // An upload is deleted a day after the longest that anybody may keep one, and a question's picture two days after its answer.
  rules: {
    [`${WORKER}-images`]: [
      { id: "expire-uploads", prefix: "", days: 31 },
      { id: "expire-work", prefix: "work/", days: 3 },
    ],
  },
  secrets: ["ADMIN_KEY", "TICKET_KEY"],
  tags: ["0.1.0-first"],
};

describe("a deployment", () => {
  test("makes all that is missing, in the order in which one needs another, and the Worker last", async () => {
    using stand = openStand();
    const { steps } = await stand.deploy();
    expect(steps.map(({ kind }) => kind).join(" ")).toBe(
      "database migrations queue queue bucket bucket bucket rule rule secret secret deploy",
    );
    expect(holdings(stand.account())).toEqual(whole);
  });

  test("hands the private key to the edge alone, and keeps the public half for the functions", async () => {
    using stand = openStand();
    await stand.deploy();
    const { TICKET_KEY = "{}", ADMIN_KEY } = stand.account().workers[WORKER]?.secrets ?? {};
    const { d, ...verification } = JSON.parse(TICKET_KEY) as { d: string };
    expect(stand.store.ticketKeys()).toEqual([verification]);
    const files = readdirSync(stand.store.folder).map((name) =>
      readFileSync(stand.store.file(name), "utf8"),
    );
    expect(files.filter((text) => text.includes(d))).toEqual([]);
    expect(files.filter((text) => text.includes(ADMIN_KEY ?? "?"))).toHaveLength(1);
    expect(stand.account().commands.join()).not.toContain(d);
  });

  test("changes nothing the second time", async () => {
    using stand = openStand();
    await stand.deploy();
    const before = stand.account();
    const { steps } = await stand.deploy();
    expect(new Set(steps.map(({ state }) => state))).toEqual(new Set(["there"]));
    const { commands } = stand.account();
    expect({ ...stand.account(), commands: [] }).toEqual({ ...before, commands: [] });
    const asked = commands.slice(before.commands.length);
    expect(asked.filter((command) => /create|apply|^deploy |bulk|@/.test(command))).toEqual([]);
  });

  test("deploys other code again, and nothing else", async () => {
    using stand = openStand();
    await stand.deploy();
    const { steps } = await stand.deploy({ tag: "0.1.0-second" });
    expect(steps.filter(({ state }) => state === "do").map(({ kind }) => kind)).toEqual(["deploy"]);
  });

  test("that is killed after any of its commands goes on from there", async () => {
    using undisturbed = openStand();
    await undisturbed.deploy();
    const count = undisturbed.account().commands.length;
    expect(count).toBeGreaterThan(12);
    for (let diesAfter = 1; diesAfter <= count; diesAfter++) {
      using stand = openStand();
      await expect(stand.deploy({ diesAfter })).rejects.toThrow(Killed);
      const told = stand.store.ticketKeys();
      await stand.deploy();
      expect(holdings(stand.account()), `killed after ${diesAfter}`).toEqual(whole);
      const key = JSON.parse(
        stand.account().workers[WORKER]?.secrets["TICKET_KEY"] ?? "{}",
      ) as object;
      expect(key).toMatchObject(stand.store.ticketKeys()[0] ?? { kid: "none" });
      // A key that was told is the key that is used, whenever the run ended.
      if (told[0] !== undefined) expect(key).toMatchObject(told[0]);
      expect(stand.store.waiting()).toEqual({});
    }
  });

  test.each([
    ["database unmask-production", WORKER, "A database with that name already exists"],
    ["queue unmask-production-usage", `${WORKER}-usage`, "already taken"],
    ["bucket unmask-production-images", `${WORKER}-images`, "owned by another user"],
  ])(
    "whose %s is somebody else's says which step, in wrangler's words, and what to do",
    async (id, name, words) => {
      using stand = openStand();
      stand.change(({ taken }) => void taken.push(name));
      const fault = await stand.deploy().catch((cause: unknown) => cause);
      if (!(fault instanceof StepError)) throw fault;
      expect(fault.step.id).toBe(id);
      expect(fault.words).toContain(words);
      expect(fault.words).not.toContain("\u001b");
      expect(fault.advice).toContain("another one in wrangler.toml");
      stand.change((state) => {
        state.taken = [];
      });
      await stand.deploy();
      expect(holdings(stand.account())).toEqual(whole);
    },
  );

  test("finds a bucket of the account that the first page of the list does not show", async () => {
    using stand = openStand();
    stand.change(({ buckets }) => {
      for (let index = 0; index < 20; index++) buckets.push(`another-${index}`);
      buckets.push(`${WORKER}-images`);
    });
    expect(await stand.cloud.buckets()).not.toContain(`${WORKER}-images`);
    await stand.deploy();
    expect(stand.account().buckets).toHaveLength(23);
  });

  test("without a login says how to get one, before anything is made", async () => {
    using stand = openStand();
    stand.change((state) => {
      state.isLoggedIn = false;
    });
    expect(await stand.cloud.accounts()).toBeNull();
    await expect(stand.deploy()).rejects.toThrow("CLOUDFLARE_API_TOKEN");
  });

  test("that only says what it would do takes nothing to be there, and writes no colour into a pipe", () => {
    using stand = openStand();
    const plan = planDeployment(stand.wanted, { tag: "t", message: "" }, ["0001_a.sql"], null);
    expect(new Set(plan.steps.map(({ state }) => state))).toEqual(new Set(["look"]));
    expect(showPlan(plan, false)).not.toContain("\u001b");
    expect(showPlan(plan, true)).toContain("\u001b[2m");
    expect(stand.account().commands).toEqual([]);
  });
});
