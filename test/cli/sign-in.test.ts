import { describe, expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import { main } from "#cli/main.ts";
import { problemResponse } from "#wire/error.ts";
import { apiDouble, recordedIo } from "../support/edge-command-io.ts";

const made = {
  ...{ object: "sign_in_code", code: "umc_x", role: "account", account: "acc_1" },
  expires_at: "2026-11-28T10:07:12.000Z",
};

const env = { UNMASK_HOME: "/nonexistent", UNMASK_KEY: "umk_live_x", UNMASK_ADMIN_KEY: "adm" };

describe("unmask sign-in", () => {
  test("prints the address that signs in once, and beside it as whom and until when", async () => {
    await using api = await apiDouble(() => Response.json(made, { status: 201 }));
    const io = recordedIo({ env });
    expect(await main(["sign-in", "--url", `${api.url}/`], io)).toBe(EXIT.done);
    expect(io.written).toEqual({
      stdout: `${api.url}/account#code=umc_x\n`,
      stderr: "Signs in as acc_1, once, until 2026-11-28 10:07:12 UTC.\n",
    });
  });

  test.each([
    ["the account of the key, with the key", [], "umk_live_x", {}],
    ["any account", ["--account", "acc_1"], "adm", { account: "acc_1" }],
    ["the administrator's view", ["--administrator"], "adm", { role: "administrator" }],
  ])("opens %s", async (_, args, key, body) => {
    await using api = await apiDouble(() => Response.json(made, { status: 201 }));
    const io = recordedIo({ env });
    expect(await main(["sign-in", ...args, "--url", api.url], io)).toBe(EXIT.done);
    const [request] = api.requests;
    expect(request?.method).toBe("POST");
    expect(new URL(request?.url ?? "").pathname).toBe("/v1/sign_in_codes");
    expect(request?.headers.get("authorization")).toBe(`Bearer ${key}`);
    expect(await request?.json()).toEqual(body);
  });

  test("gives programs the API's own reply, with the address", async () => {
    const administration = { ...made, role: "administrator", account: null };
    await using api = await apiDouble(() => Response.json(administration, { status: 201 }));
    const io = recordedIo({ env });
    await main(["sign-in", "--administrator", "--json", "--url", api.url], io);
    expect(io.written.stderr).toBe("");
    expect(JSON.parse(io.written.stdout)).toEqual({
      ...administration,
      url: `${api.url}/account#code=umc_x`,
    });
  });

  test.each([
    [[], /--key or UNMASK_KEY/],
    [["--administrator"], /Set UNMASK_ADMIN_KEY/],
  ])("%j with a wrong key is told which key that is", async (args, advice) => {
    const failure = { kind: "unauthenticated", wanted: "administrator" } as const;
    const request = { requestId: "req_1", instance: "/v1/sign_in_codes" };
    await using api = await apiDouble(() => problemResponse(failure, request));
    const io = recordedIo({ env });
    expect(await main(["sign-in", ...args, "--url", api.url], io)).toBe(EXIT.failed);
    expect(io.written.stdout).toBe("");
    expect(io.written.stderr).toMatch(advice);
  });

  test.each([
    [["acc_1"], env, /--account ID/],
    [["--account", "acc_1", "--administrator"], env, /--account ID or --administrator/],
    [["--account", "acc_1", "--key", "umk_live_x"], env, /UNMASK_ADMIN_KEY.*leave --key out/],
    [["--administrator"], { UNMASK_HOME: "/nonexistent" }, /UNMASK_ADMIN_KEY/],
  ])("refuses %j as wrong usage, and asks nothing", async (args, given, sentence) => {
    const io = recordedIo({ env: given });
    expect(await main(["sign-in", ...args], io)).toBe(EXIT.usage);
    expect(io.written.stderr).toMatch(sentence);
  });
});
