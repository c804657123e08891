import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadKernels } from "#inference/engine/kernels.ts";
import { fileStore } from "#inference/file-store.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { createModelHost, type DescribedModel, type ModelHost } from "#inference/model-host.ts";
import { openModel } from "#inference/model-loader.ts";
import { answer, type ModelEvent } from "#model/answer.ts";
import { prepare } from "#model/prepare.ts";
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

describe("the demo model that ships", () => {
  let host: ModelHost;
  let model: DescribedModel;

  beforeAll(async () => {
    const { resize } = await loadKernels();
    host = createModelHost({
      model: "unmask-demo",
      provider: "cpu",
      resize,
      log: () => undefined,
      open: (signal) =>
        openModel({ store: fileStore("infra/demo-model/bundle"), model: "unmask-demo", signal }),
    });
    model = await host.described(forever);
  });
  afterAll(() => host.dispose());

  async function ask(
    file: string,
    question: string,
    canvas: number,
    steps: number,
  ): Promise<{
    completed: Extract<ModelEvent, { kind: "answer.completed" }>;
    promptIds: readonly number[];
  }> {
    const decoded = await decodeImages([readFileSync(path.join(pictures, file))]);
    if (!decoded.ok) throw new Error(`${file} cannot be decoded: ${decoded.refusal.kind}`);
    const asked = {
      messages: [{ role: "user", text: question } as const],
      pictures: decoded.value,
      options: options({ canvas, steps, blockLength: canvas }),
    };
    const prepared = prepare(asked, model.tools);
    if (!prepared.ok) throw new Error(`refused: ${prepared.refusal.kind}`);
    const events = await Array.fromAsync(answer(asked, model.tools, forever));
    const completed = events.at(-1);
    if (completed?.kind !== "answer.completed") throw new Error(`ended with ${completed?.kind}`);
    return { completed, promptIds: prepared.value.prompt.ids };
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
