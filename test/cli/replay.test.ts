import { describe, expect, test } from "vitest";
import { EXIT, UsageError } from "#cli/command.ts";
import { main } from "#cli/main.ts";
import { replay } from "#cli/replay.ts";
import type { ReplayBody } from "#wire/api/answers/replays.ts";
import { problemResponse } from "#wire/error.ts";
import { apiDouble, recordedIo } from "../support/edge-command-io.ts";

const equal: ReplayBody = {
  object: "replay",
  answer_id: "ans_first",
  replayed_id: "ans_second",
  verdict: "equal",
  equal: true,
  digest: "ab".repeat(32),
  replayed_digest: "ab".repeat(32),
  model_digest: "cd".repeat(32),
  replayed_model_digest: "cd".repeat(32),
  numerics: "cpu/ort-1/x64-avx2/alone/cd",
  replayed_numerics: "cpu/ort-1/x64-avx2/alone/cd",
  difference: null,
  charged_micros: 1728,
};

async function replayed(body: ReplayBody, ...options: string[]) {
  await using api = await apiDouble(() => Response.json(body));
  const io = recordedIo({ env: { UNMASK_HOME: "/nonexistent", UNMASK_KEY: "umk_test" } });
  const code = await replay(["ans_first", "--url", api.url, ...options], io);
  return { code, text: io.written.stdout, requests: api.requests };
}

describe("unmask replay", () => {
  test("asks for the replay with the key, and says that both are equal with exit code 0", async () => {
    const { code, text, requests } = await replayed(equal);
    expect(code).toBe(EXIT.done);
    expect(text).toMatch(/^equal\n/);
    expect(text).toMatch(/answer +ans_first +(ab){32}\nreplay +ans_second +(ab){32}\n/);
    expect(text).toContain("$0.001728 charged");
    const [request] = requests;
    expect([request?.method, new URL(request?.url ?? "").pathname]).toEqual([
      "POST",
      "/v1/answers/ans_first/replay",
    ]);
    expect(request?.headers.get("authorization")).toBe("Bearer umk_test");
  });

  test("says where they part with exit code 1", async () => {
    const { code, text } = await replayed({
      ...equal,
      verdict: "different",
      equal: false,
      replayed_digest: "ef".repeat(32),
      difference: {
        index: 2,
        token: { text: " square\u001b[2J", confidence: 1, step: 2 },
        replayed_token: null,
      },
    });
    expect(code).toBe(EXIT.failed);
    expect(text).toMatch(/^DIFFERENT\n/);
    expect(text).toContain(
      'First difference at token 3: " square\\u001b[2J" (step 2) became nothing\n',
    );
  });

  test("says when other weights answered", async () => {
    const { text } = await replayed({
      ...equal,
      verdict: "not_comparable",
      equal: null,
      replayed_model_digest: "00".repeat(32),
    });
    expect(text).toContain("Other weights answered");
  });

  test("says with exit code 2 that other arithmetic made it, with both classes, and calls it no difference", async () => {
    const { code, text } = await replayed({
      ...equal,
      verdict: "not_comparable",
      equal: null,
      replayed_digest: "ef".repeat(32),
      replayed_numerics: null,
    });
    expect(code).toBe(EXIT.undecided);
    expect(text).toMatch(/^not comparable: other arithmetic made the replay\n/);
    expect(text).toMatch(/answer +cpu\/ort-1\/x64-avx2\/alone\/cd\nreplay +not known\n/);
    expect(text).not.toMatch(/differ/i);
  });

  test("prints the API's own reply with --json", async () => {
    const { text } = await replayed(equal, "--json");
    expect(JSON.parse(text)).toEqual(equal);
  });

  test("tells a refusal in its own words", async () => {
    const failure = { kind: "not_replayable", id: "ans_first" } as const;
    await using api = await apiDouble(() =>
      problemResponse(failure, { requestId: "req_1", instance: "/" }),
    );
    const io = recordedIo();
    expect(await replay(["ans_first", "--url", api.url], io)).toBe(EXIT.failed);
    expect(io.written.stderr).toContain("cannot be replayed");
  });

  test.each([[[]], [["ans_1", "ans_2"]]])("needs one answer: %j", async (args) => {
    await expect(replay(args, recordedIo())).rejects.toThrow(UsageError);
  });

  test("is one of the commands", async () => {
    const io = recordedIo();
    expect(await main(["replay", "--help"], io)).toBe(EXIT.done);
    expect(io.written.stdout).toContain("Usage: unmask replay ANSWER_ID");
  });
});
