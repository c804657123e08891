import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnswerOptions } from "#domain/question.ts";
import type { Picture } from "#domain/tensor.ts";
import type { DescribedModel } from "#inference/described-model.ts";
import { decodeImages } from "#inference/image-codec.ts";
import type { ModelHost } from "#inference/model-host.ts";
import { answer, type ModelEvent } from "#model/answer.ts";
import { prepare } from "#model/prepare.ts";
import { createPieceReader } from "#model/text/detokenizer.ts";
import { hostOfBundle } from "../support/bundle-host.ts";
import { options } from "../support/edge-builders.ts";

/** A question that the training code's own sampler answered with the same weights in float32. */
interface ReferenceAnswer {
  readonly file: string;
  readonly question: string;
  readonly prompt_ids: readonly number[];
  readonly image_vectors: number;
  readonly canvas: number;
  readonly steps: number;
  readonly output_ids: readonly number[];
  readonly text: string;
}

const pictures = "test/fixtures/pictures";
const { cases } = JSON.parse(
  readFileSync("test/fixtures/demo-model/reference-answers.json", "utf8"),
) as { cases: readonly ReferenceAnswer[] };
const labels = JSON.parse(readFileSync(path.join(pictures, "answers.json"), "utf8")) as readonly {
  file: string;
  question: string;
  answer: string;
}[];

const forever = new AbortController().signal;

/** Brightness at a pixel of pictures of no thing, 0 … 255. */
const outside: Readonly<Record<string, (x: number, y: number) => number>> = {
  noise: (x, y) => (Math.imul(x * 96 + y + 1, 2_654_435_761) >>> 24) & 255,
  "a page of lines": (x, y) => (y % 8 < 3 && x % 7 !== 0 ? 30 : 245),
};

function drawn(brightness: (x: number, y: number) => number): Picture {
  const side = 96;
  const pixelsHWC = new Uint8Array(side * side * 3).map((_, index) => {
    const pixel = Math.floor(index / 3);
    return brightness(pixel % side, Math.floor(pixel / side));
  });
  return { width: side, height: side, pixelsHWC };
}

describe("the demo model that ships", () => {
  let host: ModelHost;
  let model: DescribedModel;

  beforeAll(async () => {
    host = await hostOfBundle("infra/demo-model/bundle", "unmask-demo");
    model = await host.described(forever);
  });
  afterAll(() => host.dispose());

  async function run(
    file: string,
    question: string,
    overrides: Partial<AnswerOptions>,
  ): Promise<{ end: ModelEvent | undefined; promptIds: readonly number[] }> {
    const decoded = await decodeImages([readFileSync(path.join(pictures, file))]);
    if (!decoded.ok) throw new Error(`${file} cannot be decoded: ${decoded.refusal.kind}`);
    const asked = {
      messages: [{ role: "user", text: question } as const],
      pictures: decoded.value,
      options: options(overrides),
    };
    const prepared = prepare(asked, model.tools);
    if (!prepared.ok) throw new Error(`refused: ${prepared.refusal.kind}`);
    const events = await Array.fromAsync(answer(asked, model.tools, forever));
    return { end: events.at(-1), promptIds: prepared.value.prompt.ids };
  }

  async function ask(
    file: string,
    question: string,
    canvas: number,
    steps: number,
    stop: readonly string[] = [],
  ): Promise<{
    completed: Extract<ModelEvent, { kind: "answer.completed" }>;
    promptIds: readonly number[];
  }> {
    const asked = { canvas, steps, blockLength: canvas, stop };
    const { end, promptIds } = await run(file, question, asked);
    if (end?.kind !== "answer.completed") throw new Error(`ended with ${end?.kind}`);
    return { completed: end, promptIds };
  }

  test.each(cases)(
    "$file, $question: prompt and answer are the training code's, id for id",
    async ({ file, question, canvas, steps, ...reference }) => {
      const { completed, promptIds } = await ask(file, question, canvas, steps);
      expect(promptIds).toEqual(reference.prompt_ids);
      expect(completed.usage.imageVectors).toBe(reference.image_vectors);
      expect(completed.tokens.map(({ token }) => token)).toEqual(reference.output_ids);
      expect(completed.answer).toBe(reference.text);
    },
  );

  test("a stop text ends its answer before its first place in the text, wherever the tokens begin", async () => {
    const { completed: whole } = await ask("dog.png", "What is this?", 16, 16);
    expect(whole.answer).toBe("A dog.");
    for (const stop of ["dog", "og", "A", ".", " d", "A dog."]) {
      const { completed } = await ask("dog.png", "What is this?", 16, 16, [stop, "never"]);
      expect(completed.answer).toBe("A dog.".split(stop)[0]);
      expect(completed.tokens.map(({ text }) => text).join("")).toBe(completed.answer);
      expect(completed.usage.steps).toBeLessThanOrEqual(whole.usage.steps);
    }
  });

  test("on a canvas far beyond what it was trained for it writes nothing, and that has failed", async () => {
    const { end } = await run("dog.png", "What is this?", {
      ...{ canvas: 256, steps: 16, blockLength: 256 },
    });
    expect(end).toMatchObject({ kind: "answer.failed", failure: { kind: "empty_answer" } });
  });

  test("knows each of the pictures for one of its world, and noise and pages of lines for none", async () => {
    const files = [...new Set(labels.map(({ file }) => file))];
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const { end } = await run(
        file,
        "What is this?",
        options({ canvas: 16, steps: 2, blockLength: 16 }),
      );
      expect.soft(end, file).toMatchObject({ domainScore: expect.any(Number) });
      if (end?.kind === "answer.completed") expect.soft(end.domainScore, file).toBeGreaterThan(0);
    }
    for (const [name, brightness] of Object.entries(outside)) {
      const picture = drawn(brightness);
      const question = { messages: [{ role: "user", text: "What is this?" } as const] };
      const asked = {
        ...question,
        pictures: [picture],
        options: options({ canvas: 16, steps: 2, blockLength: 16 }),
      };
      const end = (await Array.fromAsync(answer(asked, model.tools, forever))).at(-1);
      expect.soft(end, name).toMatchObject({ confidence: 0, abstention: "out_of_domain" });
    }
  });

  test("its tokens' pieces, in whatever order they are drawn, are the text that its tokenizer reads in them at once", () => {
    const { tokenizer, engine } = model.tools;
    const { mask, endOfTurn } = engine.architecture.special;
    const read = createPieceReader({ tokenizer, mask, ends: [endOfTurn] });
    const id = fc.integer({ min: 0, max: tokenizer.size - 1 });
    fc.assert(
      fc.property(fc.array(id.filter((each) => each !== mask && each !== endOfTurn)), (ids) => {
        expect(read(ids).join("")).toBe(tokenizer.decode(ids));
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test("names what a clean picture of one thing shows, in most cases", async () => {
    const naming = labels.filter(
      ({ question, file }) => question === "What is this?" && file !== "empty.png",
    );
    const answers: Awaited<ReturnType<typeof ask>>[] = [];
    for (const { file, question } of naming) answers.push(await ask(file, question, 16, 16));
    const right = naming.filter(({ answer }, index) => answers[index]?.completed.answer === answer);
    expect(right.length).toBeGreaterThan(naming.length / 2);
  });

  test("says that it is not sure where there is nothing to see, or nothing that it knows", async () => {
    const { completed: nothing } = await ask("empty.png", "What is this?", 16, 16);
    const { completed: outside } = await ask("dog.png", "Who painted this?", 16, 16);
    expect([nothing.answer, outside.answer]).toEqual(["I am not sure.", "I am not sure."]);
  });
});
