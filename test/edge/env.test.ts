import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { type Bindings, settingsOf } from "#edge/env.ts";

const { MODEL, FUNCTION_URL, FUNCTION_SILENCE_SECONDS, TICKET_KEY, API_KEY } = env;
const bindings: Bindings = { MODEL, FUNCTION_URL, FUNCTION_SILENCE_SECONDS, TICKET_KEY, API_KEY };

describe("the Worker's settings", () => {
  test("are read into what the rooms work with", () => {
    expect(settingsOf({ ...bindings, FUNCTION_URL: "https://function.test/" })).toMatchObject({
      model: "unmask-demo",
      functionUrl: "https://function.test",
      functionSilenceSeconds: 0.5,
      ticketKey: { kid: "test" },
      apiKey: { accountId: "acc_test" },
    });
  });

  test.each(["TICKET_KEY", "API_KEY"] as const)("name a broken %s and never quote it", (name) => {
    const secret = bindings[name].slice(0, -1);
    const read = () => settingsOf({ ...bindings, [name]: secret });
    expect(read).toThrow(`the edge is not configured: ${name}: is not JSON`);
  });

  test("name every one that is wrong", () => {
    const read = () => settingsOf({ ...bindings, FUNCTION_URL: "ftp://x", MODEL: "" });
    expect(read).toThrow(/MODEL: .*; FUNCTION_URL: /);
  });
});
