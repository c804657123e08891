import { describe, expect, test } from "vitest";
import { placeholdersIn } from "../../infra/deploy/cloudflare/config/placeholders.ts";
import { lineOf } from "../../infra/deploy/cloudflare/config/toml-lines.ts";
import {
  ENVIRONMENTS,
  readWranglerConfig,
  readWranglerToml,
  type WranglerConfig,
} from "../../infra/deploy/cloudflare/config/wrangler-config.ts";

const toml = readWranglerToml();
const production = readWranglerConfig("production");
const filled = {
  ...production.vars,
  FUNCTION_URL: "https://a.unmask-answers.com,https://b.unmask-answers.com",
  FETCH_URL: "https://fetch.unmask-answers.com",
};

function found(vars: object, rest: Partial<WranglerConfig> = {}): readonly string[] {
  const config = { ...production, ...rest, vars: { ...filled, ...vars } };
  return placeholdersIn(config, "production", toml).map(({ where, says }) => `${where} ${says}`);
}

describe("placeholders", () => {
  test.each(ENVIRONMENTS)("of %s are refused all at once, each with its line", (environment) => {
    const config = readWranglerConfig(environment);
    const places = placeholdersIn(config, environment, toml).map(({ where }) => where);
    const lines = places.map((where) => toml.split("\n")[Number(where.split(":")[1]) - 1]);
    expect(lines).toEqual([
      'FUNCTION_URL = "https://function.example"',
      'FETCH_URL = "https://fetch.example"',
    ]);
  });

  test("that were filled in are none", () => {
    expect(found({})).toEqual([]);
  });

  test.each([
    ["http://127.0.0.1:8788", "only this machine"],
    ["https://localhost", "only this machine"],
    ["https://10.0.0.4", "only this machine"],
    ["https://[::1]:8788", "only this machine"],
    ["http://function.unmask-answers.com", "use https://"],
    ["https://function.example.com", "a placeholder"],
    ["", "no address"],
    ["function", "no address"],
  ])("FUNCTION_URL %j is one", (url, words) => {
    const [says] = found({ FUNCTION_URL: `https://a.unmask-answers.com,${url}` });
    expect(says).toContain(words);
    expect(says).toMatch(/^wrangler\.toml:\d+ FUNCTION_URL /);
  });

  test("are private networks for whoever asks, in production", () => {
    expect(found({ FETCH_PRIVATE: "allow" })).toEqual([expect.stringContaining("FETCH_PRIVATE")]);
    const config = { ...production, vars: { ...filled, FETCH_PRIVATE: "allow" } };
    expect(placeholdersIn(config, "staging", toml)).toEqual([]);
  });

  test("are ids of zeros, and other people's domains", () => {
    const [database] = production.d1_databases;
    if (database === undefined) throw new Error("production has no database");
    const zeros = { ...database, database_id: "00000000-0000-0000-0000-000000000000" };
    expect(found({}, { d1_databases: [zeros] })).toEqual([expect.stringContaining("all zeros")]);
    const routes = [{ pattern: "api.your-domain.com" }, "api.example.com/*"];
    expect(found({}, { routes })).toHaveLength(2);
  });

  test("what the edge itself would refuse is refused before it is deployed", () => {
    expect(found({ KEY_LIMITS: "{" })).toEqual([expect.stringMatching(/:\d+ .*KEY_LIMITS/)]);
  });

  test("a line is that of its own table", () => {
    const text = '[a]\nx = 1\n[env.b.vars]\n# x = 2\n"x" = 3\n[[env.b.c]]\ny = 4';
    expect(lineOf(text, "env.b.vars", "x")).toBe(5);
    expect(lineOf(text, "env.b.c", "y")).toBe(7);
    expect(lineOf(text, "env.b.vars", "z")).toBe(3);
    expect(lineOf(text, "env.none", "x")).toBeNull();
  });
});
