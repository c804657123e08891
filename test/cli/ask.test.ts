import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { ask } from "#cli/ask.ts";
import { EXIT, UsageError } from "#cli/command.ts";
import { problemResponse } from "#wire/error.ts";
import { badPeers } from "../support/bad-peers.ts";
import { failures, pngBytes } from "../support/edge-builders.ts";
import { apiDouble, recordedIo } from "../support/edge-command-io.ts";

const recording = readFileSync("test/fixtures/answer.sse", "utf8");

function recorded(text: string = recording): Response {
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}

function folderWith(files: Record<string, string | Uint8Array>): string {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-ask-"));
  for (const [name, content] of Object.entries(files))
    writeFileSync(path.join(folder, name), content);
  return folder;
}

describe("unmask ask", () => {
  test("sends the pictures and the question, and prints nothing but the answer", async () => {
    await using api = await apiDouble(() => recorded());
    const cwd = folderWith({ "photo.png": pngBytes });
    const io = recordedIo({ cwd });
    const args = ["photo.png", "What is this?", "--url", api.url, "--key", "k", "--canvas", "4"];
    expect(await ask(args, io)).toBe(EXIT.done);
    expect(io.written).toEqual({ stdout: "A red square.\n", stderr: "" });
    const form = await api.requests[0]?.formData();
    expect(form?.get("question")).toBe("What is this?");
    expect(form?.get("canvas")).toBe("4");
    expect(form?.get("steps")).toBeNull();
    expect(form?.getAll("image")).toHaveLength(1);
  });

  test.each([
    ["out_of_domain", "not of what the model knows"],
    ["unsure", "does not know"],
    ["low_confidence", "not sure enough to rely on this (55 %)"],
  ])("says beside the answer, in one line, that it abstained: %s", async (reason, words) => {
    const told = recording
      .replace('"abstained":false', '"abstained":true')
      .replace('"abstention":null', `"abstention":"${reason}"`);
    await using api = await apiDouble(() => recorded(told));
    const io = recordedIo();
    expect(await ask(["What?", "--url", api.url, "--key", "k"], io)).toBe(EXIT.done);
    expect(io.written.stdout).toBe("A red square.\n");
    expect(io.written.stderr).toMatch(/^Note: [^\n]+\n$/);
    expect(io.written.stderr).toContain(words);
  });

  test("says nothing of that where a service of before does not", async () => {
    const told = recording.replace(
      ',"in_domain":null,"domain_score":null,"abstained":false,"abstention":null',
      "",
    );
    expect(told).not.toBe(recording);
    await using api = await apiDouble(() => recorded(told));
    const io = recordedIo();
    expect(await ask(["What?", "--url", api.url, "--key", "k"], io)).toBe(EXIT.done);
    expect(io.written).toEqual({ stdout: "A red square.\n", stderr: "" });
  });

  test("sends its deadline, whose cache it shares, and who else is told", async () => {
    await using api = await apiDouble(() => recorded());
    const terms = ["--deadline-ms", "500", "--cache", "off", "--webhook", "https://a.test/"];
    await ask(["What?", ...terms, "--url", api.url, "--key", "k"], recordedIo());
    const form = await api.requests[0]?.formData();
    expect(["deadline_ms", "cache", "webhook"].map((name) => form?.get(name))).toEqual([
      "500",
      "off",
      "https://a.test/",
    ]);
    await expect(ask(["What?", "--cache", "mine"], recordedIo())).rejects.toThrow(UsageError);
  });

  test("sends the mode, and how often the prompt is computed anew; another mode is the caller's mistake", async () => {
    await using api = await apiDouble(() => recorded());
    const terms = ["--mode", "cached", "--refresh", "8", "--url", api.url, "--key", "k"];
    await ask(["What?", ...terms], recordedIo());
    const form = await api.requests[0]?.formData();
    expect([form?.get("mode"), form?.get("refresh")]).toEqual(["cached", "8"]);
    await expect(ask(["What?", ...terms, "--mode", "warp"], recordedIo())).rejects.toThrow(
      "--mode is one of exact, cached, fast",
    );
  });

  test("cancels on Ctrl-C and says what was charged", async () => {
    const interrupted = new AbortController();
    const cancelled = recording
      .replace("event: answer.completed", "event: answer.cancelled")
      .replace('"status":"completed"', '"status":"cancelled"')
      .replace('"charged_micros":2', '"charged_micros":47');
    const io = recordedIo({ signal: interrupted.signal });
    await using api = await apiDouble(() => {
      interrupted.abort(new Error("stopped by SIGINT"));
      return recorded(cancelled);
    });
    expect(await ask(["What?", "--url", api.url, "--key", "k"], io)).toBe(EXIT.interrupted);
    expect(io.written.stderr).toBe("Cancelled; 2 steps ran, $0.000047 charged.\n");
  });

  test("says beside the answer what the model was not trained for", async () => {
    const warned = recording.replace(
      '"warnings":[]',
      '"warnings":[{"code":"canvas_not_recommended","message":"Too long."}]',
    );
    await using api = await apiDouble(() => recorded(warned));
    const io = recordedIo();
    expect(await ask(["What?", "--url", api.url, "--key", "k"], io)).toBe(EXIT.done);
    expect(io.written).toEqual({ stdout: "A red square.\n", stderr: "Note: Too long.\n" });
  });

  test("names a picture's address to the service, among files", async () => {
    await using api = await apiDouble(() => recorded());
    const cwd = folderWith({ "photo.png": pngBytes });
    const pictures = ["https://example.com/dog.jpg", "photo.png"];
    await ask([...pictures, "What?", "--url", api.url, "--key", "k"], recordedIo({ cwd }));
    expect(await api.requests[0]?.json()).toMatchObject({
      images: [
        { url: "https://example.com/dog.jpg" },
        { data: Buffer.from(pngBytes).toString("base64") },
      ],
    });
  });

  test("of which nothing was made at its deadline fails, and prints no answer", async () => {
    const cut = recording
      .replace("event: answer.completed", "event: answer.partial")
      .replace('"status":"completed"', '"status":"partial"')
      .replace(/"answer":"A red square\."/, '"answer":""')
      .replace(/("usage":\{[^}]*"steps":)2/, "$10")
      .replace('"charged_micros":2', '"charged_micros":1');
    await using api = await apiDouble(() => recorded(cut));
    const io = recordedIo();
    const args = ["What?", "--deadline-ms", "1", "--url", api.url, "--key", "k"];
    expect(await ask(args, io)).toBe(EXIT.failed);
    expect(io.written).toEqual({
      stdout: "",
      stderr:
        "Cut at its deadline before its first step, so there is no answer; $0.000001 charged. Give it more time.\n",
    });
  });

  test("prints the API's own reply with --json", async () => {
    await using api = await apiDouble(() => recorded());
    const io = recordedIo();
    await ask(["What?", "--json", "--url", api.url, "--key", "k"], io);
    expect(JSON.parse(io.written.stdout)).toMatchObject({ object: "answer", cached: false });
  });

  test("tells a line per step with --watch where nobody looks at a terminal", async () => {
    await using api = await apiDouble(() => recorded());
    const io = recordedIo();
    await ask(["What?", "--watch", "--url", api.url, "--key", "k"], io);
    expect(io.written.stdout).toBe("A red square.\n");
    expect(io.written.stderr).toBe(
      [
        "░░░░░░░░░░░░░░░░░░░░ step 0/2, 0/4 tokens  ░░░░",
        "██████████░░░░░░░░░░ step 1/2, 2/4 tokens, 63 % sure  A red░░",
        "████████████████████ step 2/2, 4/4 tokens, 63 % sure  A red square.",
        "",
      ].join("\n"),
    );
  });

  test("redraws in place with --watch at a terminal", async () => {
    await using api = await apiDouble(() => recorded());
    const io = recordedIo({ isTTY: true, columns: 80 });
    await ask(["What?", "--watch", "--url", api.url, "--key", "k"], io);
    expect(io.written.stderr.split("\x1b[2A\x1b[J")).toHaveLength(3);
  });

  test("draws as for 80 columns where a terminal says that it has none", async () => {
    const drawn = await Promise.all(
      [0, 80].map(async (columns) => {
        await using api = await apiDouble(() => recorded());
        const io = recordedIo({ isTTY: true, columns });
        await ask(["What?", "--watch", "--url", api.url, "--key", "k"], io);
        return io.written.stderr;
      }),
    );
    expect(drawn[0]).toBe(drawn[1]);
  });

  test("finds address and key where npm start left them", async () => {
    await using api = await apiDouble(() => recorded());
    const home = folderWith({});
    await mkdir(path.join(home, ".unmask"));
    writeFileSync(
      path.join(home, ".unmask/local.json"),
      JSON.stringify({ url: api.url, key: "umk_test_local" }),
    );
    expect(await ask(["What?"], recordedIo({ env: { UNMASK_HOME: home } }))).toBe(EXIT.done);
    expect(api.requests[0]?.headers.get("authorization")).toBe("Bearer umk_test_local");
  });

  test("finds them where a second start left them, in a folder of its own", async () => {
    await using api = await apiDouble(() => recorded());
    const home = folderWith({});
    await mkdir(path.join(home, ".unmask/2"), { recursive: true });
    const local = { url: api.url, key: "umk_test_second" };
    writeFileSync(path.join(home, ".unmask/2/local.json"), JSON.stringify(local));
    const env = { UNMASK_HOME: home, UNMASK_STATE: ".unmask/2" };
    expect(await ask(["What?"], recordedIo({ env }))).toBe(EXIT.done);
    expect(api.requests[0]?.headers.get("authorization")).toBe("Bearer umk_test_second");
  });

  test("never sends the local key to another address", async () => {
    await using api = await apiDouble(() => recorded());
    const home = folderWith({});
    await mkdir(path.join(home, ".unmask"));
    writeFileSync(
      path.join(home, ".unmask/local.json"),
      JSON.stringify({ url: "http://127.0.0.1:1", key: "umk_test_local" }),
    );
    const io = recordedIo({ env: { UNMASK_HOME: home, UNMASK_URL: api.url } });
    await expect(ask(["What?"], io)).rejects.toThrow("there is no key");
    expect(api.requests).toEqual([]);
  });
});

describe("unmask ask says what to do next", () => {
  test.each<[string, string[], RegExp]>([
    ["nothing is asked", [], /unmask ask photo\.jpg "What is this\?"/],
    ["there is a picture but no question", ["photo.jpg"], /photo\.jpg .*say what to ask/],
    ["there is an address but no question", ["https://a.test/dog"], /say what to ask/],
    ["a picture is not there", ["nowhere.png", "What?"], /nowhere\.png .*question last/],
    ["a number is none", ["What?", "--canvas", "many"], /--canvas takes a whole number/],
    ["an option is unknown", ["What?", "--colour"], /--colour/],
    ["there is no key", ["What?"], /UNMASK_KEY/],
  ])("when %s", async (title, args, message) => {
    const key = title === "there is no key" ? [] : ["--key", "k"];
    const asked = ask([...args, ...key], recordedIo());
    await expect(asked).rejects.toThrow(message);
    await expect(asked).rejects.toBeInstanceOf(UsageError);
  });

  test.each([
    [failures.weights_loading, EXIT.unavailable, "try again in 41 s"],
    [
      failures.image_truncated,
      EXIT.failed,
      "Picture 2 ends before its last pixel. Send the whole file.",
    ],
    [failures.unauthenticated, EXIT.failed, "--key or UNMASK_KEY"],
    [failures.invalid_request, EXIT.failed, "/canvas: too big"],
  ])("when the service refuses with $kind", async (failure, code, words) => {
    await using api = await apiDouble(() =>
      problemResponse(failure, { requestId: "req_1", instance: "/v1/answers" }),
    );
    const io = recordedIo();
    expect(await ask(["What?", "--url", api.url, "--key", "k"], io)).toBe(code);
    expect(io.written.stderr).toContain(words);
    expect(io.written.stdout).toBe("");
  });

  test.each([
    [["/canvas"], "unmask: /canvas: too big. [invalid_request, req_1]\n"],
    [
      ["/canvas", "/steps"],
      "unmask: /canvas: too big (and 1 more in errors). [invalid_request, req_1]\n  /canvas: too big\n  /steps: too big\n",
    ],
  ])("once for each of the fields %j", async (pointers, words) => {
    const problems = pointers.map((pointer) => ({ pointer, message: "too big" }));
    const request = { requestId: "req_1", instance: "/v1/answers" };
    await using api = await apiDouble(() =>
      problemResponse({ kind: "invalid_request", problems }, request),
    );
    const io = recordedIo();
    await ask(["What?", "--url", api.url, "--key", "k"], io);
    expect(io.written.stderr).toBe(words);
  });

  test("when nobody is there", async () => {
    await using peer = await badPeers["a port where nothing listens"]();
    const io = recordedIo();
    expect(await ask(["What?", "--url", peer.url, "--key", "k"], io)).toBe(EXIT.unavailable);
    expect(io.written.stderr).toMatch(/cannot be reached: nothing listens there[\s\S]*npm start/);
  });

  test("when the address is some other site", async () => {
    await using api = await apiDouble(() => new Response("<h1>hi</h1>"));
    const io = recordedIo();
    expect(await ask(["What?", "--url", api.url, "--key", "k"], io)).toBe(EXIT.unavailable);
    expect(io.written.stderr).toContain("--url");
  });
});

describe("an answer that would steer the terminal", () => {
  test("is printed with its control characters drawn", async () => {
    const hostile = recording.replaceAll("A red square.", "\\u001b[2Jgone\\n");
    await using api = await apiDouble(() => recorded(hostile));
    const io = recordedIo();
    await ask(["What?", "--url", api.url, "--key", "k"], io);
    expect(io.written.stdout).toBe("�[2Jgone\n\n");
  });
});
