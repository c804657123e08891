import { afterEach, describe, expect, test, vi } from "vitest";
import { parseConfig } from "#inference/config.ts";
import { type Heartbeat, type SaidNow, startHeartbeat } from "#inference/fleet/heartbeat.ts";
import { createPace } from "#inference/fleet/pace.ts";
import { type HeartbeatBody, heartbeatKey } from "#wire/fleet/heartbeat.ts";
import type { ModelCard } from "#wire/function/status.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { untoldByFunction } from "../support/edge-builders.ts";

const { signing, verification } = await generateTicketKeys("eu-1");
const digest = "ab".repeat(32);
const card: ModelCard = {
  ...{ id: "demo", digest, image: null, max_prompt_length: 1024, ...untoldByFunction },
  ...{ provider: "cpu", format: "f32", work: { view: 0, linear: 1, attention: 1 } },
};

let heartbeat: Heartbeat | undefined;
afterEach(() => heartbeat?.stop());

/** An edge that hears, and what it was told by whom. */
function start(say: () => SaidNow, reply: () => Response) {
  const heard: HeartbeatBody[] = [];
  const lines: string[] = [];
  heartbeat = startHeartbeat({
    config: {
      edgeUrls: ["https://edge.test"],
      ownUrl: "https://a.test",
      key: signing,
      sleeps: true,
    },
    instance: "instance-1",
    say,
    card: () => card,
    now: Date.now,
    fetch: async (_, init) => {
      const body = init?.body as Uint8Array<ArrayBuffer>;
      const [, jwt = ""] = String(new Headers(init?.headers).get("authorization")).split(" ");
      expect((await heartbeatKey(jwt, body, [verification], Date.now())).ok).toBe(true);
      heard.push(JSON.parse(new TextDecoder().decode(body)) as HeartbeatBody);
      return reply();
    },
    log: (event) => void lines.push(event),
  });
  return { heard, lines };
}

const said: SaidNow = {
  ...{ model: "demo", provider: "cpu", digest, numerics: null, state: "warm", eta_seconds: null },
  ...{ loaded_in_ms: 1, queued_steps: 0, ms_per_step: null, running: 0, waiting: 0 },
  ...{ places: 4, queue_length: 16 },
};
const reply = (wants_card: boolean) => () =>
  Response.json({ object: "heartbeat", wants_card, next_in_ms: 60_000 });

describe("a function's heartbeat", () => {
  test("is signed, says where it is, and brings the card", async () => {
    const { heard } = start(() => said, reply(false));
    await vi.waitFor(() => expect(heard).toHaveLength(1));
    expect(heard[0]).toMatchObject({ ...said, url: "https://a.test", sleeps: true, card });
    await heartbeat?.tell();
    expect(heard[1]).not.toHaveProperty("card");
  });

  test("is told at once when its state changes", async () => {
    let state: SaidNow["state"] = "loading";
    const { heard } = start(() => ({ ...said, state }), reply(false));
    await vi.waitFor(() => expect(heard).toHaveLength(1));
    state = "warm";
    await vi.waitFor(
      () => expect(heard.map((one) => one.state)).toEqual(["loading", "warm"]),
      3_000,
    );
  });

  test("that an edge does not take is a line of the log, once, and is sent on", async () => {
    const { heard, lines } = start(
      () => said,
      () => new Response("no", { status: 503 }),
    );
    await vi.waitFor(() => expect(lines).toEqual(["fleet.untold"]));
    await heartbeat?.tell();
    expect([heard.length, lines]).toEqual([2, ["fleet.untold"]]);
  });
});

describe("the settings of a function that registers", () => {
  const complete = {
    UNMASK_BUNDLE: "/bundle",
    UNMASK_TICKET_KEYS: JSON.stringify([verification]),
  };
  const fleet = {
    UNMASK_EDGE_URL: "https://edge.test/, https://other.test",
    UNMASK_FUNCTION_URL: "https://a.test",
    UNMASK_FUNCTION_KEY: JSON.stringify(signing),
  };

  test("are all three or none", () => {
    expect(parseConfig(complete).fleet).toBeUndefined();
    expect(parseConfig({ ...complete, ...fleet }).fleet).toEqual({
      ...{ edgeUrls: ["https://edge.test", "https://other.test"], ownUrl: "https://a.test" },
      ...{ key: signing, sleeps: false },
    });
    const { UNMASK_FUNCTION_KEY: _, ...without } = fleet;
    expect(() => parseConfig({ ...complete, ...without })).toThrow(
      "UNMASK_FUNCTION_KEY: is missing",
    );
    const path = { UNMASK_FUNCTION_URL: "https://a.test/fn" };
    expect(() => parseConfig({ ...complete, ...fleet, ...path })).toThrow("is no origin");
  });
});

test("a function's pace is the time that its device takes for a step, whosever it is, without the time in which nothing runs", () => {
  let now = 0;
  const pace = createPace(() => now);
  expect(pace.msPerStep()).toBeNull();
  const [one, two] = [pace.begin(), pace.begin()];
  for (let step = 0; step < 10; step += 1) {
    now += 5;
    (step % 2 === 0 ? one : two).made(1);
  }
  one.over();
  two.over();
  now += 60_000;
  const later = pace.begin();
  now += 5;
  later.made(1);
  expect(pace.msPerStep()).toBeCloseTo(5, 6);
});
