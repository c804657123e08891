import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseFetchConfig } from "#inference/config.ts";
import { withSecretFiles } from "#inference/secret-files.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";

const folder = mkdtempSync(path.join(tmpdir(), "unmask-secrets-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
}

const keys =
  '[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"one"}]';

describe("a secret that a host mounts as a file", () => {
  test("is read from where NAME_FILE says, without the line's end", () => {
    const config = parseFetchConfig({
      UNMASK_TICKET_KEYS_FILE: file("keys", `${keys}\n`),
      UNMASK_METRICS_TOKEN_FILE: file("token", "0123456789abcdef\n"),
    });
    expect(config.ticketKeys[0]?.kid).toBe("one");
    expect(config.metricsToken).toBe("0123456789abcdef");
  });

  test("is also the key by which a function registers", async () => {
    const { signing } = await generateTicketKeys("one");
    expect(
      withSecretFiles({ UNMASK_FUNCTION_KEY_FILE: file("register", JSON.stringify(signing)) }),
    ).toMatchObject({ UNMASK_FUNCTION_KEY: JSON.stringify(signing) });
  });

  test.each([
    [
      { UNMASK_METRICS_TOKEN_FILE: "/nowhere/token" },
      "/nowhere/token, which cannot be read (ENOENT)",
    ],
    [{ UNMASK_METRICS_TOKEN_FILE: file("empty", "\n") }, "which is empty"],
    [{ UNMASK_METRICS_TOKEN_FILE: file("long", "a".repeat(65_537)) }, "which is too long"],
    [
      { UNMASK_METRICS_TOKEN_FILE: file("other", "x"), UNMASK_METRICS_TOKEN: "0123456789abcdef" },
      "UNMASK_METRICS_TOKEN and UNMASK_METRICS_TOKEN_FILE are both set",
    ],
  ])("%j is refused by name, and no secret is told", (variables, words) => {
    const told = () => withSecretFiles(variables);
    expect(told).toThrow(words);
    expect(told).not.toThrow("0123456789abcdef");
  });

  test("is a secret: no other variable is read from a file", () => {
    const variables = { UNMASK_MODEL_FILE: file("model", "other") };
    expect(withSecretFiles(variables)).toBe(variables);
  });
});
