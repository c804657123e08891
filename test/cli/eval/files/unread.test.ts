import { describe, expect, test } from "vitest";
import { parseQuestions } from "#cli/eval/files/question-file.ts";
import { findUnread } from "#cli/eval/files/unread.ts";

const plain = { image: "a.png", question: "What?", answer: "A dog." };

function unread(...lines: object[]) {
  const text = lines.map((line) => JSON.stringify(line)).join("\n");
  return findUnread(parseQuestions(text, "/tests/questions.jsonl", "exact"));
}

describe("what a test set holds and is not read", () => {
  test.each([
    [{ image_1: "1.png" }, '"image_1" in line 1: pictures are read from "image"'],
    [{ images: ["1.png"] }, '"images" in line 1: pictures are read from "image"'],
    [{ image_path: "1.png" }, '"image_path" in line 1: pictures are read from "image"'],
    [{ scan: "pages/1.JPG" }, '"scan" in line 1: pictures are read from "image"'],
    [{ options: ["a", "b"] }, '"options" in line 1: choices are read from "choices"'],
    [{ B: "a cat" }, '"B" in line 1: choices are read from "choices"'],
    [
      { hint: "It barks." },
      '"hint" in line 1: what is asked is read from "question" or "messages"',
    ],
    [{ answers: ["a dog"] }, '"answers" in line 1: right answers are read from "answer"'],
    [
      { question: "What is <image 1>?" },
      '<image 1> in line 1: a text is asked as it stands; pictures go before it, in the order of "image"',
    ],
    [
      { question: "<image>\nWhat?" },
      '<image> in line 1: a text is asked as it stands; pictures go before it, in the order of "image"',
    ],
  ])("%j is told with where it belongs", (more, words) => {
    expect(unread({ ...plain, ...more }).missed).toEqual([words]);
  });

  test("is told once, with how many lines hold it and the first of them", () => {
    const lines = [plain, { ...plain, image_2: "b.png" }, { ...plain, image_2: "c.png" }];
    expect(unread(...lines).missed).toEqual([
      '"image_2" in 2 lines, the first line 2: pictures are read from "image"',
    ]);
  });

  test("is the picture of every question where no line has one", () => {
    const { image: _, ...blind } = plain;
    expect(unread(blind, blind).missed).toEqual(['no line has a picture in "image"']);
    expect(unread(blind, plain).missed).toEqual([]);
  });

  test("is nothing where a member is null, or tells of the question without being part of it", () => {
    const told = { image_id: 7, image_2: null, split: "held-out", objects: 1, source: "COCO" };
    expect(unread({ ...plain, ...told })).toEqual({
      missed: [],
      others: ["image_id", "split", "objects", "source"],
    });
  });
});
