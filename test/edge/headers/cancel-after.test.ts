import { describe, expect, test } from "vitest";
import { cancelAfter } from "#edge/headers/cancel-after.ts";

describe("Cancel-After", () => {
  test.each([
    [undefined, null],
    ["0", 0],
    ["45", 45_000],
    [" 30s ", 30_000],
    ["1m30s", 90_000],
    ["2h", 7_200_000],
    ["250ms", 250],
    ["24h", 86_400_000],
  ])("%j is %j milliseconds", (header, milliseconds) => {
    expect(cancelAfter(header)).toEqual({ ok: true, value: milliseconds });
  });

  test.each(["", "soon", "-1s", "1.5s", "1d", "25h", "1e3", "99999999h", "30s;", "s"])(
    "%j is refused",
    (header) => {
      expect(cancelAfter(header)).toMatchObject({
        ok: false,
        refusal: { kind: "invalid_request", problems: [{ pointer: "/Cancel-After" }] },
      });
    },
  );
});
