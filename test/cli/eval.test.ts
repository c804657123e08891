import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import { evaluateFile } from "#cli/eval.ts";
import { main } from "#cli/main.ts";
import { problemResponse } from "#wire/error.ts";
import { failures } from "../support/edge-builders.ts";
import { apiDouble, recordedIo } from "../support/edge-command-io.ts";
import { isFull } from "../support/full.ts";

const recording = readFileSync("test/fixtures/answer.sse", "utf8");

function recorded(): Response {
  return new Response(recording, { headers: { "content-type": "text/event-stream" } });
}

function testSet(...lines: object[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-eval-"));
  const file = path.join(folder, "questions.jsonl");
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return file;
}

const image = "data:image/png;base64,AQID";
const square = { image, question: "What is this?", answer: "a red square", family: "what" };
const circle = { image, question: "And this?", answer: "a circle", family: "shape" };

describe("unmask eval through the API", () => {
  test("asks without the cache and reports by family", async () => {
    await using api = await apiDouble(recorded);
    const io = recordedIo();
    const args = [testSet(square, circle), "--url", api.url, "--key", "k", "--canvas", "4"];
    expect(await evaluateFile(args, io)).toBe(EXIT.done);
    expect(io.written.stdout).toMatch(/^what +1 +0 +0 +100\.0/m);
    expect(io.written.stdout).toMatch(/^shape +1 +0 +0 +0\.0/m);
    expect(io.written.stdout).toMatch(/^overall +2 +0 +0 +50\.0/m);
    expect(io.written.stderr).toContain("2/2, 50.0 % right, done");
    const form = await api.requests[0]?.formData();
    expect(form?.get("cache")).toBe("off");
    expect(form?.get("canvas")).toBe("4");
    expect(form?.get("steps")).toBe("4");
  });

  test("asks in the mode that it is told, tells how many positions that took, and asks anew in another", async () => {
    await using api = await apiDouble(recorded);
    const file = testSet(square);
    const args = [file, "--url", api.url, "--key", "k", "--out", `${file}.results`, "--json"];
    const io = recordedIo();
    await evaluateFile([...args, "--mode", "cached", "--refresh", "2"], io);
    const form = await api.requests[0]?.formData();
    expect([form?.get("mode"), form?.get("refresh")]).toEqual(["cached", "2"]);
    expect(JSON.parse(io.written.stdout).columns[0].overall).toMatchObject({ mean_rows: 768 });
    await evaluateFile([...args, "--resume", "--mode", "fast"], recordedIo());
    await evaluateFile([...args, "--resume", "--mode", "fast"], recordedIo());
    expect(api.requests).toHaveLength(2);
    await expect(evaluateFile([...args, "--mode", "warp"], recordedIo())).rejects.toThrow("--mode");
  });

  test("gives a table by steps, never more than the canvas, and asks nothing twice", async () => {
    await using api = await apiDouble(recorded);
    const io = recordedIo();
    const args = [testSet(square), "--url", api.url, "--key", "k", "--canvas", "4"];
    await evaluateFile([...args, "--steps", "1,4,8", "--json"], io);
    const report = JSON.parse(io.written.stdout);
    expect(report.columns.map(({ steps }: { steps: number }) => steps)).toEqual([1, 4]);
    expect(report.columns.map(({ column }: { column: string }) => column)).toEqual([
      ...["1 step", "4 steps"],
    ]);
    expect(api.requests).toHaveLength(2);
  });

  test("goes on where it was stopped, and only there", async () => {
    await using api = await apiDouble(recorded);
    const file = testSet(square, circle);
    const args = [file, "--url", api.url, "--key", "k", "--out", `${file}.results`];
    expect(await evaluateFile(args, recordedIo())).toBe(EXIT.done);
    await expect(evaluateFile(args, recordedIo())).rejects.toThrow("--resume");
    const [first = ""] = readFileSync(`${file}.results`, "utf8").split("\n");
    writeFileSync(`${file}.results`, `${first}\n{"id":"2","fam`);
    const io = recordedIo();
    expect(await evaluateFile([...args, "--resume"], io)).toBe(EXIT.done);
    expect(io.written.stderr).toContain("1 of 2 were asked before");
    expect(api.requests).toHaveLength(3);
    expect(readFileSync(`${file}.results`, "utf8").trimEnd().split("\n")).toHaveLength(2);
  });

  test("prints what there is and why it ended where every question would fail", async () => {
    await using api = await apiDouble(() =>
      problemResponse(failures.unauthenticated, { requestId: "req_1", instance: "/v1/answers" }),
    );
    const io = recordedIo();
    const args = [testSet(square, circle), "--url", api.url, "--key", "k"];
    expect(await evaluateFile(args, io)).toBe(EXIT.failed);
    expect(io.written.stdout).toContain("stopped before the end");
    expect(io.written.stderr).toContain("unauthenticated");
  });

  test("asks again where the service is busy", async () => {
    let asked = 0;
    const busy = { kind: "overloaded", retryAfterSeconds: 0 } as const;
    await using api = await apiDouble(() =>
      ++asked === 1
        ? problemResponse(busy, { requestId: "req_1", instance: "/v1/answers" })
        : recorded(),
    );
    const io = recordedIo();
    const args = [testSet(square), "--url", api.url, "--key", "k"];
    expect(await evaluateFile(args, io)).toBe(EXIT.done);
    expect(io.written.stdout).toMatch(/^overall +1 +0 +0 +100\.0/m);
  });

  test("scores a question that is refused 0", async () => {
    await using api = await apiDouble(() =>
      problemResponse(failures.image_truncated, { requestId: "req_1", instance: "/v1/answers" }),
    );
    const io = recordedIo();
    const args = [testSet(square), "--url", api.url, "--key", "k"];
    expect(await evaluateFile(args, io)).toBe(EXIT.done);
    expect(io.written.stdout).toMatch(/^overall +1 +1 +0 +0\.0/m);
  });

  test("prints what is there when it is interrupted", async () => {
    const stop = new AbortController();
    await using api = await apiDouble(() => {
      stop.abort(new Error("stopped"));
      return recorded();
    });
    const io = recordedIo({ signal: stop.signal });
    const args = [testSet(square, circle), "--url", api.url, "--key", "k"];
    expect(await evaluateFile(args, io)).toBe(EXIT.interrupted);
    expect(io.written.stdout).toContain("stopped before the end");
  });
});

describe("unmask eval of a test set in another form", () => {
  const mmmu = {
    question: "Which is this? <image 1>",
    options: "['a dog', 'a cat']",
    image_1: image,
    answer: "A",
    subfield: "Zoology",
  };

  test("recognises its columns, and says what was read from where", async () => {
    await using api = await apiDouble(recorded);
    const io = recordedIo();
    expect(await evaluateFile([testSet(mmmu), "--url", api.url, "--key", "k"], io)).toBe(EXIT.done);
    expect(io.written.stderr).toContain(
      'read: question from "question", image from "image_N", answer from "answer", choices from "options", family from "subfield"\n',
    );
    expect(io.written.stderr).toContain("<image 1> in line 1: the picture is sent before the text");
    const messages = (await api.requests[0]?.formData())?.get("messages");
    expect(JSON.parse(String(messages))[0].content).toBe(
      "Which is this? <image 1>\nA. a dog\nB. a cat\nAnswer with the option's letter from the given choices directly.",
    );
  });

  test("says what it does not read and asks nothing", async () => {
    await using api = await apiDouble(recorded);
    const io = recordedIo();
    const args = ["eval", testSet({ ...mmmu, query: "Which?" }), "--url", api.url, "--key", "k"];
    expect(await main(args, io)).toBe(EXIT.usage);
    expect(io.written.stderr).toContain('"query" in line 1: looks like question');
    expect(io.written.stdout).toBe("");
    expect(api.requests).toEqual([]);
  });

  test("asks it all the same where it is told to, and says what is not read", async () => {
    await using api = await apiDouble(recorded);
    const io = recordedIo();
    const file = testSet({ ...mmmu, query: "Which?", split: "dev" });
    const args = [file, "--url", api.url, "--key", "k", "--ignore-unread"];
    expect(await evaluateFile(args, io)).toBe(EXIT.done);
    expect(io.written.stderr).toContain('"query" in line 1');
    expect(io.written.stderr).toContain("columns that are not read: split\n");
    expect(io.written.stderr).toMatch(/^scored: 1 by choice$/m);
    expect(api.requests).toHaveLength(1);
  });
});

describe("unmask eval against a baseline", () => {
  const lines = Array.from({ length: 8 }, (_, index) => ({ ...square, id: `q${index}` }));

  async function recordedBaseline(file: string): Promise<string> {
    await using api = await apiDouble(recorded);
    const out = `${file}.baseline`;
    const args = [file, "--url", api.url, "--key", "k", "--canvas", "4", "--out", out];
    await evaluateFile(args, recordedIo());
    return out;
  }

  test("ends with a no where the loss is no accident, and names the questions", async () => {
    const file = testSet(...lines);
    const baseline = await recordedBaseline(file);
    const wrong = recording.replaceAll("square", "circle").replaceAll("squ", "cir");
    const reply = () => new Response(wrong, { headers: { "content-type": "text/event-stream" } });
    await using api = await apiDouble(reply);
    const io = recordedIo();
    const args = [file, "--url", api.url, "--key", "k", "--canvas", "4", "--baseline", baseline];
    expect(await evaluateFile(args, io)).toBe(EXIT.failed);
    expect(io.written.stdout).toMatch(/^overall +8 +-100\.0 +-100\.0 +-100\.0 +8 +0 +0\.0039$/m);
    expect(io.written.stdout).toContain("lost: q0, q1, q2");
    expect(io.written.stdout).toContain("Worse than the baseline");
  });

  test("is content where nothing changed, in another mode too", async () => {
    const file = testSet(...lines);
    const baseline = await recordedBaseline(file);
    await using api = await apiDouble(recorded);
    const io = recordedIo();
    const args = [file, "--url", api.url, "--key", "k", "--canvas", "4", "--baseline", baseline];
    expect(await evaluateFile([...args, "--mode", "fast", "--json"], io)).toBe(EXIT.done);
    expect(JSON.parse(io.written.stdout).baseline).toMatchObject({
      is_worse: false,
      overall: { pairs: 8, difference: 0, lost: 0, won: 0, chance: 1 },
      unpaired: 0,
    });
  });

  test("asks nothing where there is none, and says where it is of another test set or of other options", async () => {
    const file = testSet(...lines);
    const baseline = await recordedBaseline(file);
    await using api = await apiDouble(recorded);
    const ask = (...args: string[]) =>
      evaluateFile([...args, "--url", api.url, "--key", "k"], recordedIo());
    await expect(ask(file, "--baseline", `${file}.none`)).rejects.toThrow(/make one with --out/);
    expect(api.requests).toHaveLength(0);
    await expect(ask(file, "--canvas", "8", "--baseline", baseline)).rejects.toThrow(
      /the options that it was made with/,
    );
    const other = testSet(...lines.map((line) => ({ ...line, answer: "a dog" })));
    await expect(ask(other, "--canvas", "4", "--baseline", baseline)).rejects.toThrow(
      /of another test set/,
    );
  });
});

describe("a bundle that ships", () => {
  const bundles = [
    ["drawings", "infra/demo-model/bundle"],
    ["photographs", "infra/demo-model/photographs/bundle"],
  ] as const;
  const modes = ["exact", "cached", "fast"] as const;

  // Each bundle in every mode in `npm run test:full`; here each bundle once, and each mode.
  const asked = bundles.flatMap(([name, bundle]) => modes.map((mode) => ({ name, bundle, mode })));
  const isInSlice = ({ name, mode }: (typeof asked)[number]): boolean =>
    (name === "photographs") === (mode === "exact");

  // The baselines: test/fixtures/baselines/README.md.
  test.for(asked.filter((one) => isFull || isInSlice(one)))(
    "answers as well as when its baseline was made: $name, $mode",
    { timeout: 60_000 },
    async ({ name, bundle, mode }) => {
      const io = recordedIo();
      const code = await evaluateFile(
        [
          "test/fixtures/demo-eval/questions.jsonl",
          ...["--engine", "local", "--bundle", bundle, "--mode", mode],
          ...["--limit", "40", "--canvas", "16", "--steps", "8", "--json"],
          ...["--baseline", `test/fixtures/baselines/${name}.jsonl`],
        ],
        io,
      );
      const { baseline, is_complete: isComplete, columns: parts } = JSON.parse(io.written.stdout);
      expect(code, io.written.stdout).toBe(EXIT.done);
      expect(isComplete).toBe(true);
      expect(baseline).toMatchObject({ overall: { pairs: 40 }, unpaired: 0, is_worse: false });
      expect(parts[0].overall).toMatchObject({ questions: 40, refused: 0, charged_micros: null });
      expect(parts[0].overall.mean_steps).toBeLessThanOrEqual(8);
    },
  );
});

describe("unmask eval says what to do next", () => {
  test.each([
    ["there is no file", [], /takes one test set/],
    ["a family is unknown", ["FILE", "--families", "who"], /there are what/],
    ["an engine is unknown", ["FILE", "--engine", "gpu"], /--engine is one of api, local/],
    ["a local engine has no bundle", ["FILE", "--engine", "local"], /needs --bundle/],
    ["steps are none", ["FILE", "--steps", "1,many"], /--steps takes whole numbers/],
    ["there is nothing to resume", ["FILE", "--resume"], /--resume needs --out/],
  ])("when %s", async (_title, args, message) => {
    const file = testSet(square);
    const asked = evaluateFile(
      args.map((one) => (one === "FILE" ? file : one)),
      recordedIo(),
    );
    await expect(asked).rejects.toThrow(message);
  });
});
