import { describe, expect, test } from "vitest";
import { settleVersion } from "../../infra/deploy/cloudflare/deployment.ts";
import { rotateAdmin } from "../../infra/deploy/cloudflare/keys/rotate-admin.ts";
import { OVERLAP_MS, rotateTicket } from "../../infra/deploy/cloudflare/keys/rotate-ticket.ts";
import { planRollback } from "../../infra/deploy/cloudflare/versions/rollback.ts";
import { openStand, type Stand } from "./stand.ts";

const WORKER = "unmask-production";
const urls = ["https://a.unmask-answers.com", "https://fetch.unmask-answers.com"];

/** One run of `rotate ticket`; `trusted`: names of the keys that the functions take. */
async function rotate(stand: Stand, trusted: readonly string[], now = 0) {
  return await rotateTicket({
    cloud: stand.cloud,
    store: stand.store,
    running: await settleVersion(stand.cloud),
    now: () => now,
    prove: async ({ kid }) =>
      urls.map((url) => ({ url, fault: trusted.includes(kid) ? null : "does not take the key" })),
  });
}

function signingKid(stand: Stand): string {
  const secret = stand.account().workers[WORKER]?.secrets["TICKET_KEY"] ?? "{}";
  return (JSON.parse(secret) as { kid: string }).kid;
}

const kids = (stand: Stand): string[] => stand.store.ticketKeys().map(({ kid }) => kid);

describe("the key that signs tickets is replaced", () => {
  test("functions first, the edge then, the old one last", async () => {
    using stand = openStand();
    await stand.deploy();
    const old = signingKid(stand);
    const begun = await rotate(stand, [old]);
    expect(begun.isDone).toBe(false);
    expect(signingKid(stand)).toBe(old);
    const [next = ""] = kids(stand);
    expect(kids(stand)).toEqual([next, old]);
    expect(begun.says.join()).toContain(next);

    await rotate(stand, [old, next], 1000);
    expect(signingKid(stand)).toBe(next);
    const early = await rotate(stand, [old, next], 1000 + OVERLAP_MS - 1);
    expect(early).toMatchObject({
      isDone: false,
      says: [expect.stringContaining("are good until")],
    });
    expect(kids(stand)).toEqual([next, old]);
    expect(await rotate(stand, [next], 1000 + OVERLAP_MS)).toMatchObject({ isDone: true });
    expect(kids(stand)).toEqual([next]);
  });

  test("by the same new key however often it is run", async () => {
    using stand = openStand();
    await stand.deploy();
    await rotate(stand, []);
    const [next] = kids(stand);
    await rotate(stand, []);
    expect(kids(stand)[0]).toBe(next);
    expect(kids(stand)).toHaveLength(2);
  });

  test("and a version that a broken run left is released by the next", async () => {
    using stand = openStand();
    await stand.deploy();
    const old = signingKid(stand);
    await rotate(stand, [old]);
    const [next = ""] = kids(stand);
    const broken = {
      ...stand.cloud,
      release: async () => {
        throw new Error("the network is away");
      },
    };
    await expect(rotate({ ...stand, cloud: broken }, [next])).rejects.toThrow("network");
    expect(signingKid(stand)).toBe(old);
    await rotate(stand, [next]);
    expect(signingKid(stand)).toBe(next);
    expect(stand.account().workers[WORKER]?.versions).toHaveLength(2);
  });

  test("and the next deployment of the same code changes nothing", async () => {
    using stand = openStand();
    await stand.deploy();
    await rotate(stand, []);
    await rotate(stand, kids(stand));
    const { steps } = await stand.deploy();
    expect(new Set(steps.map(({ state }) => state))).toEqual(new Set(["there"]));
  });
});

describe("after a rollback", () => {
  /** Two versions of the same code with other secrets, the older one running again; or of other code. */
  async function rolledBack(stand: Stand, second: string): Promise<string> {
    await stand.deploy();
    if (second === "0.1.0-first") {
      await rotate(stand, []);
      await rotate(stand, kids(stand));
    } else await stand.deploy({ tag: second });
    const [newest, before] = await stand.cloud.versions();
    await stand.cloud.rollback(before?.id ?? "", "back");
    return newest?.id ?? "";
  }

  test.each(["0.1.0-first", "0.1.0-second"])(
    "over a version %s a key is not replaced: it would bring the newer one back",
    async (second) => {
      using stand = openStand();
      const newest = await rolledBack(stand, second);
      const running = await stand.cloud.current();
      await expect(settleVersion(stand.cloud)).rejects.toThrow(`${newest} is newer`);
      expect(await stand.cloud.current()).toBe(running);
    },
  );

  test("and a deployment of what is to run, it is", async () => {
    using stand = openStand();
    await rolledBack(stand, "0.1.0-second");
    await stand.deploy({ tag: "0.1.0-third" });
    expect((await settleVersion(stand.cloud)).tag).toBe("0.1.0-third");
  });

  test("over a rotation of the administrator's key, that key is asked for", async () => {
    using stand = openStand();
    await stand.deploy();
    const run = async () =>
      await rotateAdmin(stand.cloud, stand.store, await settleVersion(stand.cloud));
    await run();
    await run();
    const wish = { version: "v1", isUnchecked: false, takesOldKeys: false };
    const versions = await stand.cloud.versions();
    const planned = planRollback(versions, await stand.cloud.current(), wish);
    expect(planned.ok ? "" : planned.refusal.join(" ")).toMatch(
      /key [0-9a-f]{4}, which was replaced, opens it again.*of today opens it no more/,
    );
  });
});

describe("the administrator's key is replaced", () => {
  test("both open until the second run", async () => {
    using stand = openStand();
    await stand.deploy();
    const secrets = () => stand.account().workers[WORKER]?.secrets ?? {};
    const old = secrets()["ADMIN_KEY"];
    const run = async () =>
      await rotateAdmin(stand.cloud, stand.store, await settleVersion(stand.cloud));
    expect(await run()).toMatchObject({ isDone: false });
    const next = secrets()["ADMIN_KEY_NEXT"];
    expect(secrets()["ADMIN_KEY"]).toBe(old);
    expect(next).toMatch(/^uma_[0-9a-f]{64}$/);
    expect(await run()).toMatchObject({ isDone: true });
    expect(secrets()).toMatchObject({ ADMIN_KEY: next });
    expect(secrets()).not.toHaveProperty("ADMIN_KEY_NEXT");
  });

  test("begun on another machine it is finished there, or given up", async () => {
    using stand = openStand();
    await stand.deploy();
    await rotateAdmin(stand.cloud, stand.store, await settleVersion(stand.cloud));
    using other = openStand();
    const rotated = await rotateAdmin(stand.cloud, other.store, await settleVersion(stand.cloud));
    expect(rotated).toMatchObject({
      isDone: false,
      says: [expect.stringContaining("another machine"), expect.anything()],
    });
  });
});
