import { describe, expect, test } from "vitest";
import { pinned } from "#edge/storage/jurisdiction.ts";
import configuration from "../../wrangler.toml?raw";

/** A namespace that says how it was restricted: workerd has no jurisdictions. */
function namespace(name: string) {
  return { name, jurisdiction: (place: string) => ({ name, place }) };
}

/** Objects that hold nothing of an account. */
const OF_NO_ACCOUNT: readonly string[] = ["FLEET"];

const bound = [...configuration.matchAll(/\[\[durable_objects\.bindings\]\]\nname = "([A-Z_]+)"/g)]
  .map(([, name = ""]) => name)
  .filter((name) => !OF_NO_ACCOUNT.includes(name));

const objects = Object.fromEntries(bound.map((name) => [name, namespace(name)]));

describe("an installation of a jurisdiction", () => {
  test.each(["eu", "us"])(
    "restricts every namespace of objects that it is bound to: %s",
    (place) => {
      const other = { DB: {} };
      const env = { ...objects, ...other, JURISDICTION: place };
      const restricted = bound.map((name) => [name, { name, place }]);
      expect(bound.length).toBeGreaterThan(5);
      expect(pinned(env)).toEqual({ ...env, ...Object.fromEntries(restricted) });
      // Settings are remembered by the bindings that they were read from.
      expect(pinned(env)).toBe(pinned(env));
    },
  );

  test("is none where nobody says so: the bindings are as they were", () => {
    expect(pinned(objects)).toBe(objects);
  });
});
