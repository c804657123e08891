import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import { type ChoiceForm, columnsOf, type WantedColumns } from "#cli/eval/columns.ts";
import { evaluateFile } from "#cli/eval.ts";
import { parseAnswerForm } from "#wire/api/answers/requests.ts";
import { formParts } from "../../support/bodies.ts";
import { apiDouble, recordedIo } from "../../support/edge-command-io.ts";
import { readAnswer, readingCard } from "../../support/readings.ts";

const recorded = readFileSync("test/fixtures/answer.sse", "utf8");
const image = "data:image/png;base64,AQID";
const choices = ["a dog", "a cat"];
const dog = { image, question: "Which is this?", choices, answer: "A" };
const cat = { image, question: "And this?", choices, answer: "a cat" };
const written = { image, question: "What is this?", answer: "a red square" };

const turns = [
  { role: "user", content: "What is left?" },
  { role: "assistant", content: "A bowl." },
  { role: "user", content: "And right?" },
];
const long = "photograph ".repeat(190);

function testSet(...lines: object[]): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), "unmask-choices-")), "questions.jsonl");
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return file;
}

/** The recorded answer, with the field that its question asked for read with these weights. */
function read(...weights: readonly number[]): Response {
  const options = choices.map((value) => ({ value }));
  const field = { type: "choice", options, none: false } as const;
  const { fields, confidence } = readAnswer([{ name: "answer", field }], [weights], 0);
  const body = recorded.replace(
    '"error":null,"warnings":[]',
    `"error":null,"warnings":[],"fields":${JSON.stringify(fields)}`,
  );
  expect(body).not.toBe(recorded);
  expect(confidence).toBeGreaterThan(0);
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

const words = (): Response =>
  new Response(recorded, { headers: { "content-type": "text/event-stream" } });

async function orderIn(request: Request | undefined) {
  const form = await request?.formData();
  const parsed = await parseAnswerForm(await formParts(form ?? new FormData()), readingCard);
  expect(parsed).toMatchObject({ ok: true });
  return parsed.ok ? parsed.value : undefined;
}

describe("choices that are read", () => {
  test("are asked for as a field, which the question's own words ask, and the guess is the answer", async () => {
    await using api = await apiDouble(() => read(1, 3));
    const io = recordedIo();
    const args = [testSet(dog, cat), "--url", api.url, "--key", "k", "--choices", "read", "--json"];
    expect(await evaluateFile(args, io)).toBe(EXIT.done);
    const order = await orderIn(api.requests[0]);
    expect(order?.read?.fields).toEqual([
      {
        name: "answer",
        field: expect.objectContaining({
          ...{ type: "choice", instructions: "Which is this?", none: false },
          options: [{ value: "a dog" }, { value: "a cat" }],
        }),
      },
    ]);
    expect(order?.messages).toEqual([{ role: "user", text: "" }]);
    const [column] = JSON.parse(io.written.stdout).columns;
    expect(column).toMatchObject({ choices: "read", overall: { questions: 2, score: 0.5 } });
    expect(column.forms).toEqual({});
  });

  test("a conversation stays one, whose last message the field asks; one that is too long for a field stands before it", async () => {
    await using api = await apiDouble(() => read(1, 3));
    const file = testSet(
      { image, messages: turns, choices, answer: "B" },
      { ...dog, question: long },
    );
    await evaluateFile([file, "--url", api.url, "--key", "k", "--choices", "read"], recordedIo());
    const [first, second] = await Promise.all(api.requests.map(orderIn));
    expect(first?.messages.map(({ text }) => text)).toEqual(["What is left?", "A bowl.", ""]);
    expect(first?.read?.fields).toMatchObject([{ field: { instructions: "And right?" } }]);
    expect(second?.messages.map(({ text }) => text)).toEqual([long]);
    expect(second?.read?.fields).toMatchObject([
      { field: { instructions: "Which of these is the answer?" } },
    ]);
  });

  test("questions without choices are asked for words in the same column", async () => {
    await using api = await apiDouble(words);
    const io = recordedIo();
    const args = [testSet(written), "--url", api.url, "--key", "k", "--choices", "read", "--json"];
    expect(await evaluateFile(args, io)).toBe(EXIT.done);
    expect((await orderIn(api.requests[0]))?.read).toBeUndefined();
    expect(JSON.parse(io.written.stdout).columns[0].overall).toMatchObject({ score: 1 });
  });

  test("questions whose choices are scored otherwise are asked for words too", async () => {
    await using api = await apiDouble(words);
    const file = testSet({ ...dog, metric: "exact", answer: "a red square" });
    const args = [file, "--url", api.url, "--key", "k", "--choices", "read", "--json"];
    const io = recordedIo();
    await evaluateFile(args, io);
    expect((await orderIn(api.requests[0]))?.read).toBeUndefined();
    expect(JSON.parse(io.written.stdout).columns[0].overall).toMatchObject({ score: 1 });
  });

  test("a reply without the field ends it, and says so", async () => {
    await using api = await apiDouble(words);
    const io = recordedIo();
    const args = [testSet(dog), "--url", api.url, "--key", "k", "--choices", "read"];
    expect(await evaluateFile(args, io)).toBe(EXIT.unavailable);
    expect(io.written.stderr).toContain("this service reads no fields");
  });

  test("stand beside listed ones as a column of their own, and an earlier listed result is still good", async () => {
    await using api = await apiDouble(() => read(3, 1));
    const file = testSet(dog);
    const args = [file, "--url", api.url, "--key", "k", "--out", `${file}.results`];
    await evaluateFile(args, recordedIo());
    const io = recordedIo();
    await evaluateFile([...args, "--resume", "--choices", "listed", "--json"], io);
    expect(api.requests).toHaveLength(1);
    expect(JSON.parse(io.written.stdout).columns).toMatchObject([{ choices: "listed" }]);
  });

  test("make one column for each mode, however many steps and canvases there are", () => {
    const wanted = { refresh: undefined, against: [], onlyAgainst: false };
    const namesOf = (choices: readonly ChoiceForm[], some: Partial<WantedColumns> = {}) =>
      columnsOf({ ...wanted, modes: [], canvases: [], steps: [8], ...some, choices }).map(
        ({ name }) => name,
      );
    expect(namesOf(["read"])).toEqual(["choices read"]);
    expect(namesOf(["listed", "read"])).toEqual(["choices listed", "choices read"]);
    expect(namesOf(["read", "listed"], { modes: ["exact", "fast"], steps: [4, 8] })).toEqual([
      ...["exact, 4 steps, choices listed", "exact, 8 steps, choices listed"],
      ...["exact, choices read"],
      ...["fast, 4 steps, choices listed", "fast, 8 steps, choices listed"],
      ...["fast, choices read"],
    ]);
  });

  test("the model that ships answers all of them in one pass each, and hardly any wrong", async () => {
    const lines = readFileSync("test/fixtures/demo-eval/questions.jsonl", "utf8").trimEnd();
    const rows = lines.split("\n").map((line) => JSON.parse(line));
    const yesOrNo = rows.filter(({ family }) => family === "iskind").slice(0, 12);
    const file = testSet(
      ...yesOrNo.map((row) => ({ ...row, metric: "choice", choices: ["Yes.", "No."] })),
    );
    const io = recordedIo();
    const code = await evaluateFile(
      [
        ...[file, "--pictures", "test/fixtures/demo-eval", "--choices", "read", "--json"],
        ...["--engine", "local", "--bundle", "infra/demo-model/photographs/bundle"],
        "--ignore-unread",
      ],
      io,
    );
    expect(code, io.written.stderr).toBe(EXIT.done);
    const [{ overall, forms }] = JSON.parse(io.written.stdout).columns;
    expect(overall).toMatchObject({ questions: 12, refused: 0, failed: 0, mean_steps: 1 });
    expect(overall.score).toBeGreaterThan(0.9);
    expect(forms).toEqual({});
  });

  test("the models that ship can be asked a conversation so", async () => {
    const told = [{ role: "system", content: "Be exact." }, ...turns];
    const file = testSet({ messages: told, choices, answer: "B" });
    for (const bundle of ["infra/demo-model/photographs/bundle", "infra/demo-model/bundle"]) {
      const io = recordedIo();
      const local = ["--engine", "local", "--bundle", bundle, "--choices", "read", "--json"];
      await evaluateFile([file, ...local, "--ignore-unread"], io);
      const [{ overall, errors }] = JSON.parse(io.written.stdout).columns;
      expect(overall).toMatchObject({ questions: 1, refused: 0, mean_steps: 1 });
      expect(errors).toEqual({});
    }
  });

  test("what cannot be told apart is refused, as the service refuses it, and counted", async () => {
    const alike = { ...dog, image: undefined, choices: ["a dog", "a dog "], answer: "A" };
    const io = recordedIo();
    await evaluateFile(
      [
        ...[testSet(alike), "--choices", "read", "--json", "--ignore-unread"],
        ...["--engine", "local", "--bundle", "infra/demo-model/photographs/bundle"],
      ],
      io,
    );
    const [{ overall, errors }] = JSON.parse(io.written.stdout).columns;
    expect(overall).toMatchObject({ questions: 1, refused: 1, score: 0 });
    expect(errors).toEqual({ field_options_collide: 1 });
  });
});
