import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { PRESETS } from "#cli/eval/files/presets.ts";
import type { TestQuestion } from "#cli/eval/files/test-question.ts";
import type { TestSetOptions } from "#cli/eval/files/test-set.ts";
import { literalList } from "#cli/eval/files/values.ts";
import { linesOf, openForTest, PIXEL, testSetFile } from "../../../support/test-set-file.ts";

const FOLDER = path.resolve("test/fixtures/test-sets");
const LETTER = "\nAnswer with the option's letter from the given choices directly.";

async function read(
  name: string,
  options: Partial<TestSetOptions> = {},
): Promise<{
  readonly questions: readonly TestQuestion[];
  readonly missed: readonly string[];
  readonly columns: readonly string[];
}> {
  await using testSet = await openForTest(path.join(FOLDER, name), options);
  const questions = await Array.fromAsync(testSet.questions());
  // Pictures of other rows wait in files that are gone with the test set.
  const { read: columns, missed } = testSet.findings;
  return { questions, missed, columns };
}

function said({ messages }: TestQuestion): string {
  return messages.map(({ content }) => content).join(" | ");
}

const pixel = { kind: "bytes", bytes: PIXEL } as const;

describe("a test set in the form of", () => {
  test("VLMEvalKit: a table whose pictures are base64, or the index of the row that has it", async () => {
    const { questions, missed, columns } = await read("vlmevalkit.tsv");
    expect(missed).toEqual([]);
    expect(columns).toEqual([
      ...['id from "index"', 'question from "question"', 'hint from "hint"', 'image from "image"'],
      ...['answer from "answer"', 'choices from "A, B, …"', 'family from "category"'],
    ]);
    expect(questions).toMatchObject([
      { id: "10", family: "shape", metric: "choice", expected: ["A"], pictures: [pixel] },
      { id: "11", choices: ["red", "blue"], expected: ["B"], pictures: [pixel] },
      { id: "1000010", expected: ["B"], pictures: [{ kind: "file" }] },
    ]);
    expect(questions.map(said)[0]).toBe(
      `It has no corners.\nWhat shape\nis "this"?\nA. a circle\nB. a square\nC. a triangle${LETTER}`,
    );
  });

  test("MMMU on Hugging Face: Parquet, a list that is text, a picture in each of several columns", async () => {
    const { questions, missed, columns } = await read("mmmu.parquet");
    expect(missed).toEqual([]);
    expect(columns).toContain('image from "image_N"');
    expect(questions).toMatchObject([
      {
        id: "validation_Shapes_1",
        family: "Forms",
        choices: ["the first", "it's the second"],
        expected: ["B"],
        pictures: [pixel, pixel],
      },
      {
        id: "validation_Shapes_2",
        metric: "exact",
        choices: [],
        expected: ["4"],
        pictures: [pixel],
      },
    ]);
  });

  test.each(["docvqa.parquet", "docvqa.json"])(
    "DocVQA: several right answers, in %s",
    async (name) => {
      const { questions, missed } = await read(name, { metric: "anls" });
      expect(missed).toEqual([]);
      expect(questions).toMatchObject([
        { id: "337", metric: "anls", expected: ["12.50", "$12.50"] },
        { id: "338", expected: ["A. Writer"] },
      ]);
      expect(questions.map(({ pictures }) => pictures.length)).toEqual([1, 1]);
    },
  );

  test("ChartQA: a list of objects, pictures by name", async () => {
    const { questions, missed } = await read("chartqa.json", { metric: "relaxed" });
    expect(missed).toEqual([]);
    expect(questions).toMatchObject([
      {
        id: "1",
        expected: ["14"],
        pictures: [{ kind: "file", path: path.join(FOLDER, "bars.png") }],
      },
      { id: "2", expected: ["Third"] },
    ]);
  });

  test("VQA: what ten people answered", async () => {
    const { questions } = await read("vqa.jsonl", { metric: "vqa" });
    expect(questions[0]?.expected).toEqual([
      ...["2", "2", "2", "2", "two", "two", "two", "3", "3", "a few"],
    ]);
  });

  test("POPE: a question that is called text, and a label", async () => {
    const { questions, missed } = await read("pope.jsonl");
    expect(missed).toEqual([]);
    expect(questions).toMatchObject([
      { expected: ["yes"], family: "random" },
      { expected: ["no"] },
    ]);
  });

  test("LLaVA: a conversation whose last turn is the right answer", async () => {
    const { questions, missed } = await read("llava.json");
    expect(missed).toEqual([]);
    expect(questions).toMatchObject([{ id: "talk-1", expected: ["Black."] }]);
    expect(questions.map(said)).toEqual(["What is this? | A dot. | Of what colour?"]);
  });

  test("MathVista: the question as its authors put it, by its preset", async () => {
    const preset = PRESETS.find(({ name }) => name === "mathvista");
    if (preset === undefined) throw new Error("there is no preset for it");
    const { questions, missed } = await read("mathvista.jsonl", {
      ...{ map: preset.map, metric: preset.metric, suffix: preset.suffix },
      choiceSuffix: preset.choiceSuffix,
    });
    expect(missed).toEqual([]);
    expect(questions).toMatchObject([
      { id: "1", metric: "number", expected: ["2.5"], pictures: [pixel] },
      { id: "2", metric: "choice", expected: ["the base"] },
    ]);
    expect(questions.map(said)[1]).toMatch(/^Hint: [\s\S]*\(A\) the side\n\(B\) the base$/);
    const plain = await read("mathvista.jsonl");
    expect(plain.missed).toEqual([expect.stringMatching(/"query" in 2 lines.*--map question=/)]);
  });

  test("Hugging Face's viewer: rows in rows, an answer that is a number from 0", async () => {
    const { questions, missed } = await read("viewer.json");
    expect(missed).toEqual([]);
    expect(questions).toMatchObject([{ expected: ["B"], pictures: [pixel] }]);
  });

  test("a table with commas, choices in columns of their own", async () => {
    const { questions, missed } = await read("options.csv");
    expect(missed).toEqual([]);
    expect(questions).toMatchObject([
      { id: "7", choices: ["left", "right", "above", "below"], expected: ["C"] },
    ]);
  });
});

describe("a file that is not what its ending says", () => {
  test.each<[string, string, RegExp]>([
    ["q.parquet", "PAR0", /is no Parquet file/],
    ["q.json", "{", /is no JSON document; a file with an object in each line is called \.jsonl/],
    ["q.xlsx", "PK\u0003\u0004", /none of the files that eval reads: \.jsonl, .* by the ending/],
    ["q.csv", "question;answer\nWhat?;a\n", /the only column is "question;answer", so its cells/],
    ["q.csv", "ask,answer\nWhat?,a\n", /"question" is missing; there are "ask", "answer": --map q/],
    ["q.json", '{"a": 1}', /without a list of questions in data, rows/],
    ["q.tsv", 'question\tanswer\n"never closed\ta', /is no table/],
    ["q.tsv", "question\tanswer\nWhat?\ta\tb\tc", /is no table/],
    ["q.csv", "question,answer\n", /holds no questions/],
    [
      "q.tsv",
      "index\tquestion\tanswer\timage\n1\tWhat?\ta\t7\n",
      /picture is that of 7, and no earlier row/,
    ],
  ])("%s of %j is refused by name", async (name, content, message) => {
    await expect(openForTest(testSetFile(content, name))).rejects.toThrow(message);
  });

  test("and JSONL by another name is read as what it begins as", async () => {
    const line = '\u{FEFF}{"question": "What?", "answer": "a"}\n';
    await using testSet = await openForTest(testSetFile(line, "questions.txt"));
    expect([...testSet.metrics]).toEqual([["exact", 1]]);
  });
});

describe("a picture at an address", () => {
  test("is fetched once, kept, and a fault where it cannot be had or is none", async () => {
    let asked = 0;
    const server = createServer((request, response) => {
      asked += 1;
      response.statusCode = request.url === "/gone" ? 404 : 200;
      response.end(request.url === "/page" ? "<html>" : PIXEL);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const line = (name: string, id: string): object => ({
      ...{ id, image: `http://127.0.0.1:${port}/${name}`, question: "What?", answer: "A dot." },
    });
    const file = testSetFile(
      linesOf(line("a", "a"), line("gone", "gone"), line("page", "page"), line("a", "b")),
    );
    const kept = path.join(path.dirname(file), "kept");
    const open = () => openForTest(file, { places: { folder: "/", kept }, skipsFaulty: true });
    await using first = await open();
    expect(first.ids).toEqual(["a", "b"]);
    expect(first.skipped.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/gone is answered with status 404/),
      expect.stringMatching(/page is no picture/),
    ]);
    const [question] = await Array.fromAsync(first.questions());
    expect(question?.pictures).toMatchObject([{ kind: "file" }]);
    expect(asked).toBe(3);
    await using again = await open();
    expect(again.ids).toEqual(["a", "b"]);
    expect(asked).toBe(5);
    server.close();
  });
});

describe("a list that is text", () => {
  test.each<[string, readonly string[] | undefined]>([
    ["['a dog', 'a cat']", ["a dog", "a cat"]],
    [`["it's", 'say "no"']`, ["it's", 'say "no"']],
    ["[1, 2.5, red]", ["1", "2.5", "red"]],
    ["['a\\'b', 'c\\nd',]", ["a'b", "c\nd"]],
    ["[]", []],
    ["['a' 'b']", undefined],
    ["['never closed]", undefined],
    ["a dog", undefined],
  ])("%j is %j", (text, list) => {
    expect(literalList(text)).toEqual(list);
  });
});

describe("every preset", () => {
  test.each(PRESETS)(
    "$name has a canvas that its steps fit, and one block",
    ({ canvas, steps, stop }) => {
      expect(canvas % steps).toBe(0);
      expect(stop.every((text) => text !== "")).toBe(true);
    },
  );

  test("is the setting that was published", () => {
    const settings = Object.fromEntries(
      PRESETS.map(({ name, canvas, steps, thinking }) => [name, [canvas, steps, thinking.trim()]]),
    );
    // Source: ML-GSAI/LLaDA-V, eval/scripts/evaluate.sh.
    expect(settings).toMatchObject({
      mmmu: [2, 2, "/no_think"],
      mmbench: [2, 2, "/no_think"],
      chartqa: [16, 16, "/no_think"],
      docvqa: [32, 16, "/no_think"],
      infovqa: [32, 16, "/no_think"],
      mathvista: [96, 48, "/think"],
      mathverse: [64, 32, "/think"],
    });
  });
});
