import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { Bindings } from "#edge/env.ts";
import { settingsOf } from "#edge/settings.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";

const bindings: Bindings = { ...env, ADMIN_KEY: env.ADMIN_KEY };

describe("the Worker's settings", () => {
  test("are read into what the rooms work with", () => {
    const FUNCTION_URL = "https://function.test/, https://second.test";
    expect(settingsOf({ ...bindings, FUNCTION_URL })).toMatchObject({
      model: "unmask-demo",
      functionUrls: ["https://function.test", "https://second.test"],
      fetchUrl: "https://function.test",
      functionSilenceSeconds: 1,
      ticketKey: { kid: "test" },
      keyLimits: { requestsPerMinute: 600 },
      stripe: undefined,
    });
  });

  test("need neither a model nor a card: the functions tell both", () => {
    const { MODEL: _, MODEL_CARDS: __, ...bare } = bindings;
    expect(settingsOf(bare)).toMatchObject({ model: undefined, cards: {} });
  });

  test("name at most sixteen functions", () => {
    const urls = Array.from({ length: 17 }, (_, index) => `https://f${index}.test`);
    const read = (list: readonly string[]) =>
      settingsOf({ ...bindings, FUNCTION_URL: list.join() });
    expect(read(urls.slice(1)).functionUrls).toHaveLength(16);
    for (const wrong of [urls, ["https://a.test", ""]])
      expect(() => read(wrong)).toThrow(/FUNCTION_URL/);
  });

  test("name no function only where a key lets some register, and then the fetch hop", async () => {
    const { verification } = await generateTicketKeys("key-1");
    const key = { ...verification, urls: ["https://a.test"], models: ["demo"], region: "here" };
    const { FUNCTION_URL: _, FETCH_URL: __, ...bare } = bindings;
    const FUNCTION_KEYS = JSON.stringify([key]);
    for (const none of [{}, { FUNCTION_URL: "" }]) {
      const hop = { ...bare, ...none, FETCH_URL: "https://hop.test" };
      expect(settingsOf({ ...hop, FUNCTION_KEYS })).toMatchObject({ functionUrls: [] });
      expect(() => settingsOf(hop)).toThrow("FUNCTION_URL: names no function, and no key of");
      expect(() => settingsOf({ ...bare, ...none, FUNCTION_KEYS })).toThrow(
        "FETCH_URL: is missing",
      );
    }
  });

  test("name the fetch hop, or else the function fetches; private networks only where that is said", () => {
    const { FETCH_URL: _, FETCH_PRIVATE: __, ...bare } = bindings;
    const alone = settingsOf({ ...bare, FUNCTION_URL: "https://function.test" });
    expect(alone).toMatchObject({ fetchUrl: "https://function.test", allowsPrivateFetch: false });
    const apart = settingsOf({ ...bare, FETCH_URL: "https://hop.test/", FETCH_PRIVATE: "allow" });
    expect(apart).toMatchObject({ fetchUrl: "https://hop.test", allowsPrivateFetch: true });
    expect(() => settingsOf({ ...bare, FETCH_PRIVATE: "yes" })).toThrow(/FETCH_PRIVATE/);
  });

  test.each(["TICKET_KEY", "KEY_LIMITS"] as const)(
    "name a broken %s and never quote it",
    (name) => {
      const secret = bindings[name].slice(0, -1);
      const read = () => settingsOf({ ...bindings, [name]: secret });
      expect(read).toThrow(`the edge is not configured: ${name}: is not JSON`);
    },
  );

  test("of a jurisdiction take functions of its regions alone", async () => {
    const { verification } = await generateTicketKeys("key-1");
    const read = (JURISDICTION: string, region: string) => {
      const key = { ...verification, urls: ["https://a.test"], models: ["demo"], region };
      return settingsOf({ ...bindings, JURISDICTION, FUNCTION_KEYS: JSON.stringify([key]) });
    };
    for (const region of ["eu", "eu-west-1"]) expect(read("eu", region).jurisdiction).toBe("eu");
    for (const region of ["us-east-1", "europe", "west"])
      expect(() => read("eu", region)).toThrow(
        `FUNCTION_KEYS: the region ${region} of the key key-1 is not said to be of the jurisdiction eu`,
      );
  });

  test("name every one that is wrong", () => {
    const read = () => settingsOf({ ...bindings, FUNCTION_URL: "ftp://x", MODEL: "" });
    expect(read).toThrow(/MODEL: .*; FUNCTION_URL\.0: /);
  });
});
