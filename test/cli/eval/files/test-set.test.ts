import path from "node:path";
import { describe, expect, test } from "vitest";
import { UsageError } from "#cli/command.ts";
import type { TestQuestion } from "#cli/eval/files/test-question.ts";
import { linesOf, openForTest, testSetFile } from "../../../support/test-set-file.ts";

async function parse(...lines: unknown[]): Promise<readonly TestQuestion[]> {
  await using testSet = await openForTest(testSetFile(linesOf(...lines)));
  return await Array.fromAsync(testSet.questions());
}

const plain = { image: "a.png", question: "What?", answer: "A dog." };

describe("a line of a test set", () => {
  test("is a question with defaults filled in and the picture beside the file", async () => {
    const file = testSetFile(linesOf(plain));
    await using testSet = await openForTest(file);
    expect(await Array.fromAsync(testSet.questions())).toEqual([
      {
        id: "1",
        row: 1,
        pictures: [{ kind: "file", path: path.join(path.dirname(file), "a.png") }],
        messages: [{ role: "user", content: "What?" }],
        bareMessages: [{ role: "user", content: "What?" }],
        expected: ["A dog."],
        choices: [],
        metric: "exact",
        family: "all",
      },
    ]);
  });

  test("may have more members than are read", async () => {
    expect(await parse({ ...plain, objects: 1, split: "held-out" })).toHaveLength(1);
  });

  test("may be a conversation about several pictures", async () => {
    const messages = [
      { role: "user", content: "And now?" },
      { role: "assistant", content: "A cat." },
      { role: "user", content: "And on the right?" },
    ];
    const [question] = await parse({
      messages,
      image: ["a.png", "b.png"],
      answer: ["A dog.", "Dog"],
    });
    expect(question).toMatchObject({ messages, expected: ["A dog.", "Dog"] });
    expect(question?.pictures).toHaveLength(2);
  });

  test("may hold its picture itself, or have none", async () => {
    const [held, none] = await parse(
      { ...plain, image: "data:image/png;base64,AQID" },
      { question: "Why?", answer: "So." },
    );
    expect(held?.pictures).toEqual([{ kind: "bytes", bytes: Uint8Array.of(1, 2, 3) }]);
    expect(none?.pictures).toEqual([]);
  });

  test("has its choices listed below the question, unless it lists them itself", async () => {
    const choices = ["a dog", "a cat"];
    const own = "What?\n(A) a dog\n(B) a cat";
    const [listed, kept] = await parse(
      { ...plain, choices, answer: "B" },
      { ...plain, choices, answer: "a cat", question: own },
    );
    expect(listed?.metric).toBe("choice");
    expect(listed?.messages[0]?.content).toBe(
      "What?\nA. a dog\nB. a cat\nAnswer with the option's letter from the given choices directly.",
    );
    expect(kept?.messages[0]?.content).toBe(own);
    expect(listed?.bareMessages[0]?.content).toBe("What?");
  });

  test("may be empty", async () => {
    expect(await parse(plain, "", plain, "")).toMatchObject([{ id: "1" }, { id: "3" }]);
  });
});

describe("a test set with faults", () => {
  test.each<[string, unknown, RegExp]>([
    ["no JSON", "{", /line 2: is not JSON/],
    ["no object", [1], /line 2: is no JSON object/],
    [
      "no answer",
      { question: "What?" },
      /"answer" is missing; there are "question": --map answer=NAME/,
    ],
    ["no question", { answer: "A dog." }, /"question" is missing; there are "answer"/],
    ["both", { ...plain, messages: [] }, /ask one of "question" and "messages"/],
    ["an unknown role", { answer: "x", messages: [{ role: "me", content: "x" }] }, /list of/],
    [
      "the last word is the model's",
      { answer: "x", messages: [{ role: "assistant", content: "x" }] },
      /the last message must be the user's/,
    ],
    ["an unknown metric", { ...plain, metric: "bleu" }, /"metric" is one of exact, choice/],
    ["choices are wanted", { ...plain, metric: "choice" }, /needs "choices"/],
    ["one choice", { ...plain, choices: ["a dog"] }, /2 to 26/],
    ["an answer that is no choice", { ...plain, choices: ["x", "y"] }, /none of the choices/],
    ["a number beyond the choices", { ...plain, choices: ["x", "y"], answer: 2 }, /none of/],
    [
      "an address",
      { ...plain, image: "https://example.com/a.png" },
      /--keep-pictures DIR fetches it once/,
    ],
    ["a bad data URI", { ...plain, image: "data:image/png;base64,x" }, /base64/],
    ["a number is none", { ...plain, steps: 0 }, /"steps" must be a whole number/],
    ["an id twice", { ...plain, id: 1 }, /id 1 is that of line 1/],
  ])("is refused by line: %s", async (_title, line, message) => {
    const parsed = parse(plain, line);
    await expect(parsed).rejects.toThrow(UsageError);
    await expect(parsed).rejects.toThrow(message);
  });

  test("names ten of many", async () => {
    await expect(parse(...Array(30).fill("{"))).rejects.toThrow(
      /line 10: [^\n]*\n {2}and 20 more\n.*--skip-faulty/,
    );
  });

  test("is refused where it holds nothing", async () => {
    await expect(parse("")).rejects.toThrow("holds no questions");
  });

  test("is refused where it is not there, or a picture of it", async () => {
    await expect(openForTest("test/nowhere.jsonl")).rejects.toThrow("ENOENT");
    await expect(parse(plain, { ...plain, image: "c.png" })).rejects.toThrow(
      /line 2: the picture .*c\.png cannot be read \(ENOENT\)/,
    );
  });

  test("leaves faulty lines out where it is told to, and counts them by what is wrong", async () => {
    const lines = [plain, "{", { ...plain, image: "c.png" }, { question: "What?" }, "{", plain];
    await using testSet = await openForTest(testSetFile(linesOf(...lines)), { skipsFaulty: true });
    expect(testSet.ids).toEqual(["1", "6"]);
    expect(testSet.skipped).toMatchObject([
      { reason: "is not JSON", rows: 2, first: 2 },
      { reason: expect.stringContaining("c.png cannot be read"), rows: 1, first: 3 },
      { reason: expect.stringContaining('"answer" is missing'), rows: 1, first: 4 },
    ]);
    expect((await Array.fromAsync(testSet.questions())).map(({ id }) => id)).toEqual(["1", "6"]);
  });
});
