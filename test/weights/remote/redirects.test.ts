import { describe, expect, test } from "vitest";
import { redirectOf } from "#weights/remote/redirects.ts";

const redirect = (from: string, location: string | undefined, status = 302) =>
  redirectOf({
    url: new URL(from),
    response: new Response(null, { status, headers: location === undefined ? {} : { location } }),
  });

describe("a redirect", () => {
  test.each([301, 302, 303, 307, 308])("of status %d is followed", (status) => {
    expect(redirect("https://hub/a/b", "../c?x=1", status)?.href).toBe("https://hub/c?x=1");
    expect(redirect("https://hub/a", "https://cdn/b", status)?.href).toBe("https://cdn/b");
  });

  test("is nothing else", () => {
    expect(redirect("https://hub/a", "https://cdn/b", 200)).toBeUndefined();
    expect(redirect("https://hub/a", "https://cdn/b", 304)).toBeUndefined();
  });

  test.each([
    ["https://hub/a", "http://cdn/b?Signature=secret"],
    ["https://hub/a", "file:///etc/passwd"],
    ["http://hub/a", "data:,x"],
    ["https://hub/a", undefined],
    ["https://hub/a", "https://["],
  ])("from %s to %s is not followed, and a signature is not told", (from, to) => {
    const following = () => redirect(from, to === undefined ? "https://[" : to);
    expect(following).toThrow(/^https?:\/\/hub\/a sends on to /);
    expect(following).not.toThrow(/secret/);
  });
});
