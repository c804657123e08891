import { describe, expect, test } from "vitest";
import { EXIT, UsageError } from "#cli/command.ts";
import { remove } from "#cli/delete.ts";
import { problemResponse } from "#wire/error.ts";
import { apiDouble, recordedIo } from "../support/edge-command-io.ts";

const io = () => recordedIo({ env: { UNMASK_HOME: "/nonexistent", UNMASK_KEY: "umk_test" } });

describe("unmask delete", () => {
  test("deletes each by what its id begins with, and prints what is gone", async () => {
    await using api = await apiDouble(() => new Response(null, { status: 204 }));
    const own = io();
    const ids = ["ans_1", "bat_1", "img_1"];
    expect(await remove([...ids, "--url", api.url], own)).toBe(EXIT.done);
    expect(own.written.stdout).toBe("ans_1\nbat_1\nimg_1\n");
    const sent = api.requests.map(({ method, url }) => `${method} ${new URL(url).pathname}`);
    expect(sent).toEqual([
      ...["DELETE /v1/answers/ans_1", "DELETE /v1/batches/bat_1", "DELETE /v1/images/img_1"],
    ]);
  });

  test("deletes nothing where one of the ids is none", async () => {
    await using api = await apiDouble(() => new Response(null, { status: 204 }));
    await expect(remove(["ans_1", "key_1", "--url", api.url], io())).rejects.toThrow(UsageError);
    await expect(remove(["--url", api.url], io())).rejects.toThrow("say what");
    expect(api.requests).toEqual([]);
  });

  test("tells a refusal in its own words", async () => {
    const failure = { kind: "still_running", what: "answer", id: "ans_1" } as const;
    const request = { requestId: "req_1", instance: "/v1/answers/ans_1" };
    await using api = await apiDouble(() => problemResponse(failure, request));
    const own = io();
    expect(await remove(["ans_1", "--url", api.url], own)).toBe(EXIT.failed);
    expect(own.written.stderr).toContain("still being made");
  });
});
