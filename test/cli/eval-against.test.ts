import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import type { Result } from "#cli/eval/results.ts";
import { evaluateFile } from "#cli/eval.ts";
import { apiDouble, recordedIo } from "../support/edge-command-io.ts";
import { openAiStandIn, type StandInQuestion } from "../support/openai-stand-in.ts";
import { linesOf, PIXEL, testSetFile } from "../support/test-set-file.ts";

const recording = readFileSync("test/fixtures/answer.sse", "utf8");
const image = `data:image/png;base64,${Buffer.from(PIXEL).toString("base64")}`;
const choices = ["a red square", "a blue circle"];

/** Eight questions that our recorded answer is right about, two that it is wrong about, of which one is of choices. */
const questions = [
  ...Array.from({ length: 8 }, (_, index) => ({
    id: `square-${index}`,
    image,
    question: `What is shape ${index}?`,
    answer: "a red square",
    family: "square",
  })),
  { id: "circle", image, question: "And this?", answer: "a circle", family: "circle" },
  { id: "pick", image, question: "Which?", choices, answer: "B", family: "circle" },
];

function recorded(): Response {
  return new Response(recording, { headers: { "content-type": "text/event-stream" } });
}

/** A model that knows circles alone, and says so at length. */
function twin({ texts }: StandInQuestion): string {
  const text = texts.at(-1) ?? "";
  if (text.startsWith("Which?")) return "The answer is (B), since it is round.";
  return text.startsWith("And this?") ? "a circle" : "That is a red square, I think.";
}

function results(file: string): readonly Result[] {
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("unmask eval against a model of others", () => {
  test("puts it in a column beside ours, compares them question by question, and counts how answers came", async () => {
    await using api = await apiDouble(recorded);
    await using other = await openAiStandIn(twin);
    const file = testSetFile(linesOf(...questions));
    const io = recordedIo({ env: { UNMASK_HOME: "/nonexistent", TWIN_KEY: "secret" } });
    const code = await evaluateFile(
      [
        ...[file, "--url", api.url, "--key", "k", "--modes", "exact,fast", "--canvas", "4"],
        ...["--against", `${other.url}/`, "--model", "org/twin", "--name", "twin"],
        ...["--api-key-env", "TWIN_KEY", "--price-in", "0.15", "--price-out", "0.6"],
        ...["--concurrency", "4", "--out", `${file}.out`],
      ],
      io,
    );
    expect(code).toBe(EXIT.done);
    expect(io.written.stdout).toMatch(/^exact +10 +0 +0 +80\.0/m);
    expect(io.written.stdout).toMatch(/^fast +10 +0 +0 +80\.0/m);
    expect(io.written.stdout).toMatch(/^twin +10 +0 +0 +20\.0 .*\$0\.000210 +-$/m);
    expect(io.written.stdout).toMatch(/^exact +twin +10 +\+60\.0 .* 8 +2 +0\.\d+ +no difference/m);
    expect(io.written.stdout).toContain("twin: of the answers 8 explained, 1 extracted");
    expect(other.questions).toHaveLength(10);
    expect(other.questions[0]?.headers.authorization).toBe("Bearer secret");
    expect(results(`${file}.out`)).toHaveLength(30);
  });

  test("goes on in the column, and at the question, where it was stopped", async () => {
    await using api = await apiDouble(recorded);
    await using other = await openAiStandIn(twin);
    const file = testSetFile(linesOf(...questions));
    const args = [file, "--url", api.url, "--key", "k", "--canvas", "4", "--out", `${file}.out`];
    const both = [...args, "--against", other.url, "--model", "twin"];
    await evaluateFile(both, recordedIo());
    const lines = readFileSync(`${file}.out`, "utf8").split("\n");
    writeFileSync(`${file}.out`, `${lines.slice(0, 13).join("\n")}\n{"id":"square-3","col`);
    const io = recordedIo();
    expect(await evaluateFile([...both, "--resume"], io)).toBe(EXIT.done);
    expect(api.requests).toHaveLength(10);
    expect(other.questions).toHaveLength(17);
    expect(results(`${file}.out`)).toHaveLength(20);
    // Asked otherwise, it is asked anew.
    await evaluateFile([...both, "--max-tokens", "8", "--resume"], recordedIo());
    expect(other.questions).toHaveLength(27);
  });

  test("goes on without a column whose server is not there, and says so", async () => {
    await using api = await apiDouble(recorded);
    await using other = await openAiStandIn(twin);
    const gone = await openAiStandIn(twin);
    await gone[Symbol.asyncDispose]();
    const file = testSetFile(linesOf(...questions));
    const io = recordedIo();
    const code = await evaluateFile(
      [
        ...[file, "--url", api.url, "--key", "k", "--canvas", "4"],
        ...["--against", gone.url, "--model", "gone", "--against", other.url, "--model", "twin"],
      ],
      io,
    );
    expect(code).toBe(EXIT.failed);
    expect(io.written.stdout).toMatch(/^gone +0 +0 +0/m);
    expect(io.written.stdout).toMatch(/^twin +10 +0 +0 +20\.0/m);
    expect(io.written.stdout).toContain("stopped before the end: gone at");
    expect(io.written.stderr).toContain("cannot be reached");
  });

  test("scores nothing that a server did not answer, and asks it again when it goes on", async () => {
    let isDown = true;
    await using other = await openAiStandIn((question) =>
      isDown && question.texts.at(-1) === "And this?"
        ? Response.json(
            { error: { message: "busy" } },
            { status: 429, headers: { "retry-after": "9999" } },
          )
        : twin(question),
    );
    const file = testSetFile(linesOf(...questions));
    const args = [file, "--only-against", "--against", other.url, "--model", "twin"];
    const io = recordedIo();
    await evaluateFile([...args, "--out", `${file}.out`, "--json"], io);
    const report = JSON.parse(io.written.stdout);
    expect(report.is_complete).toBe(false);
    expect(report.columns[0]).toMatchObject({
      overall: { questions: 10, failed: 1, score: 1 / 9 },
      errors: { http_429: 1 },
    });
    isDown = false;
    await evaluateFile([...args, "--out", `${file}.out`, "--resume"], recordedIo());
    expect(other.questions).toHaveLength(11);
  });

  test("with a preset asks as the paper was measured: its settings and its switch are ours alone", async () => {
    await using api = await apiDouble(recorded);
    await using other = await openAiStandIn(() => "12.50");
    const line = { id: "total", image, question: "What is the total?", answer: "12.50" };
    const file = testSetFile(linesOf(line));
    const io = recordedIo();
    const args = [file, "--url", api.url, "--key", "k", "--against", other.url, "--model", "twin"];
    await evaluateFile([...args, "--preset", "chartqa"], io);
    const form = await api.requests[0]?.formData();
    const asked = (name: string) => form?.get(name);
    expect([asked("canvas"), asked("steps"), asked("block_length")]).toEqual(["16", "16", "16"]);
    // Forms end lines with CR LF, which the API takes off again.
    expect(asked("stop")).toBe("\r\n");
    const text = "What is the total?\nAnswer the question using a single word or phrase.";
    expect(JSON.parse(String(asked("messages")))[0].content).toBe(`${text} /no_think`);
    expect(other.questions[0]).toMatchObject({
      texts: [text],
      body: { max_tokens: 16, stop: ["\n"] },
    });
    expect(io.written.stdout).toMatch(/^twin +1 +0 +0 +100\.0/m);
    // What is written wins.
    await evaluateFile([...args, "--preset", "mmbench", "--canvas", "8"], io);
    expect((await api.requests[1]?.formData())?.get("canvas")).toBe("8");
    expect(io.written.stderr).toContain("unlike the published protocol of mmbench: ");
  });

  test.each([
    ["it has no model", ["--against", "http://a.test/v1"], /needs --model behind it/],
    ["it has no address", ["--against", "a.test", "--model", "m"], /takes an address/],
    ["an option stands before it", ["--wire", "chat"], /--wire stands behind the --against/],
    [
      "its key is not there",
      ["--api-key-env", "NO_KEY"],
      /--api-key-env NO_KEY: there is no key/,
      true,
    ],
    ["half a price is named", ["--price-in", "1"], /stand together/, true],
    ["its form is unknown", ["--wire", "soap"], /one of chat, responses/, true],
    ["an option stands twice", ["--model", "n"], /--model stands twice/, true],
    [
      "two are called alike",
      ["--against", "http://b.test/v1", "--model", "m"],
      /two columns are called m: tell them apart with --name/,
      true,
    ],
    ["nobody is left", ["--only-against"], /leaves nobody to ask/],
  ])("asks nothing where %s", async (_title, args, message, isBehind = false) => {
    const file = testSetFile(linesOf(...questions));
    const before = isBehind ? ["--against", "http://a.test/v1", "--model", "m"] : [];
    await expect(evaluateFile([file, ...before, ...args], recordedIo())).rejects.toThrow(message);
  });
});
