import { describe, expect, test } from "vitest";
import { UsageError } from "#cli/command.ts";
import { parseQuestions, readQuestionFile } from "#cli/eval/files/question-file.ts";

function parse(...lines: unknown[]) {
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  return parseQuestions(text.join("\n"), "/tests/questions.jsonl", "exact");
}

const plain = { image: "a.png", question: "What?", answer: "A dog." };

describe("a line of a test set", () => {
  test("is a question with defaults filled in and the picture beside the file", () => {
    expect(parse(plain)).toEqual([
      {
        id: "1",
        lineNumber: 1,
        line: JSON.stringify(plain),
        pictures: [{ kind: "file", path: "/tests/a.png" }],
        messages: [{ role: "user", content: "What?" }],
        expected: ["A dog."],
        choices: [],
        metric: "exact",
        family: "all",
      },
    ]);
  });

  test("may have more members than are read", () => {
    expect(parse({ ...plain, objects: 1, split: "held-out" })).toHaveLength(1);
  });

  test("may be a conversation about several pictures", () => {
    const messages = [
      { role: "user", content: "And now?" },
      { role: "assistant", content: "A cat." },
      { role: "user", content: "And on the right?" },
    ];
    const [question] = parse({ messages, image: ["a.png", "b.png"], answer: ["A dog.", "Dog"] });
    expect(question).toMatchObject({ messages, expected: ["A dog.", "Dog"] });
    expect(question?.pictures).toHaveLength(2);
  });

  test("may hold its picture itself, or have none", () => {
    const [held, none] = parse(
      { ...plain, image: "data:image/png;base64,AQID" },
      { question: "Why?", answer: "So." },
    );
    expect(held?.pictures).toEqual([{ kind: "bytes", bytes: Uint8Array.of(1, 2, 3) }]);
    expect(none?.pictures).toEqual([]);
  });

  test("has its choices listed below the question, unless it lists them itself", () => {
    const choices = ["a dog", "a cat"];
    const own = "What?\n(A) a dog\n(B) a cat";
    const [listed, kept] = parse(
      { ...plain, choices, answer: "B" },
      { ...plain, choices, answer: "a cat", question: own },
    );
    expect(listed?.metric).toBe("choice");
    expect(listed?.messages[0]?.content).toBe(
      "What?\nA. a dog\nB. a cat\nAnswer with the option's letter from the given choices directly.",
    );
    expect(kept?.messages[0]?.content).toBe(own);
  });

  test("may be empty", () => {
    expect(parse(plain, "", plain, "")).toMatchObject([{ id: "1" }, { id: "3" }]);
  });
});

describe("a test set with faults", () => {
  test.each<[string, unknown, RegExp]>([
    ["no JSON", "{", /line 2: is not JSON/],
    ["no object", [1], /line 2: is no JSON object/],
    ["no answer", { question: "What?" }, /"answer" is missing/],
    ["no question", { answer: "A dog." }, /ask one of "question" and "messages"/],
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
    ["an address", { ...plain, image: "https://example.com/a.png" }, /save it beside the file/],
    ["a bad data URI", { ...plain, image: "data:image/png;base64,x" }, /base64/],
    ["a number is none", { ...plain, steps: 0 }, /"steps" must be a whole number/],
    ["an id twice", { ...plain, id: 1 }, /id 1 is that of line 1/],
  ])("is refused by line: %s", (_title, line, message) => {
    expect(() => parse(plain, line)).toThrow(UsageError);
    expect(() => parse(plain, line)).toThrow(message);
  });

  test("names ten of many", () => {
    expect(() => parse(...Array(30).fill("{"))).toThrow(/line 10: [^\n]*\n {2}and 20 more$/);
  });

  test("is refused where it holds nothing", () => {
    expect(() => parse("")).toThrow("holds no questions");
  });

  test("is refused where a picture is missing", async () => {
    await expect(readQuestionFile("test/nowhere.jsonl", "exact")).rejects.toThrow("ENOENT");
  });
});
