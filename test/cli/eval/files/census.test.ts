import { describe, expect, test } from "vitest";
import type { CensusFindings } from "#cli/eval/files/census.ts";
import type { TestSetOptions } from "#cli/eval/files/test-set.ts";
import { linesOf, openForTest, testSetFile } from "../../../support/test-set-file.ts";

const plain = { image: "a.png", question: "What?", answer: "A dog." };

async function findings(
  lines: readonly object[],
  options: Partial<TestSetOptions> = {},
): Promise<CensusFindings> {
  await using testSet = await openForTest(testSetFile(linesOf(...lines)), options);
  return testSet.findings;
}

describe("what a test set holds and is not read", () => {
  test.each([
    [{ image_1: "1.png" }, "image_1", "image", '"image"'],
    [{ images: ["1.png"] }, "images", "image", '"image"'],
    [{ scan: "pages/1.JPG" }, "scan", "image", '"image"'],
    [{ query: "Which?" }, "query", "question", '"question"'],
    [{ answers: ["a dog"] }, "answers", "answer", '"answer"'],
    [{ hint: "It barks.", context: "Night." }, "context", "hint", '"hint"'],
  ])("%j is told with what is read instead", async (more, name, role, from) => {
    expect((await findings([{ ...plain, ...more }])).missed).toEqual([
      `"${name}" in line 1: looks like ${role}, which is read from ${from}: say which with --map ${role}=NAME,…`,
    ]);
  });

  test.each([
    [{ question: "What is <image 2>?" }, "<image 2>"],
    [{ question: "<image> and <image>, what?" }, "<image>"],
  ])("%j marks a picture that it does not have", async (more, marker) => {
    const { missed } = await findings([{ ...plain, ...more }, plain]);
    const isThere = marker === "<image>";
    expect(missed).toEqual(
      isThere
        ? []
        : [`${marker} in line 1: a text is asked as it stands, and the row has no such picture`],
    );
  });

  test("is told once, with how many lines hold it and the first of them", async () => {
    const lines = [plain, { ...plain, image_2: "b.png" }, { ...plain, image_2: "c.png" }];
    expect((await findings(lines)).missed).toEqual([
      expect.stringMatching(/^"image_2" in 2 lines, the first line 2: /),
    ]);
  });

  test("is settled once it is said which columns are read", async () => {
    const both = { ...plain, query: "Which?" };
    const { missed, noted, read } = await findings([both], { map: { question: ["query"] } });
    expect(missed).toEqual([]);
    expect(read).toContain('question from "query"');
    expect(noted).toEqual(["columns that are not read: question"]);
  });

  test("is the picture of every question where no line has one", async () => {
    const { image: _, ...blind } = plain;
    expect((await findings([blind, blind])).missed).toEqual(["no line has a picture"]);
    expect((await findings([blind, plain])).missed).toEqual([]);
  });

  test("are columns that mean the same in different lines, until one is chosen", async () => {
    const { question, ...rest } = plain;
    expect((await findings([plain, { ...rest, query: question }, plain])).missed).toEqual([
      'question is read from "question" in 2 lines, the first line 1 and from "query" in line 2: say which with --map question=NAME',
    ]);
  });

  test("is nothing where a member is null, or tells of the question without being part of it", async () => {
    const told = { image_id: 7, image_2: null, split: "held-out", objects: 1, source: "COCO" };
    expect(await findings([{ ...plain, ...told, image_path: "val/a.png" }])).toMatchObject({
      missed: [],
      noted: ["columns that are not read: image_id, split, objects, source, image_path"],
    });
  });
});
