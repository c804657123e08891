import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DescribedModel } from "#inference/described-model.ts";
import { decodeImages } from "#inference/image-codec.ts";
import type { ModelHost } from "#inference/model-host.ts";
import { answer } from "#model/answer.ts";
import { prepare } from "#model/prepare.ts";
import { hostOfBundle } from "../support/bundle-host.ts";
import { options } from "../support/edge-builders.ts";

/** A question that the recipe's own sampler answered with the same weights in float32. */
interface ReferenceAnswer {
  readonly files: readonly string[];
  readonly question: string;
  readonly prompt_ids: readonly number[];
  readonly image_vectors: number;
  readonly canvas: number;
  readonly steps: number;
  readonly output_ids: readonly number[];
  readonly text: string;
}

const BUNDLE = "infra/demo-model/photographs/bundle";
const pictures = "test/fixtures/pictures";
const { cases } = JSON.parse(
  readFileSync("test/fixtures/photographs/reference-answers.json", "utf8"),
) as { cases: readonly ReferenceAnswer[] };
const forever = new AbortController().signal;

describe("the model that sees photographs, as it ships", () => {
  let host: ModelHost;
  let model: DescribedModel;

  beforeAll(async () => {
    host = await hostOfBundle(BUNDLE, "unmask-demo");
    model = await host.described(forever);
  });
  afterAll(() => host.dispose());

  test("tells that a picture is one view of 50 vectors, and offers no tiles", () => {
    expect(model.card).toMatchObject({
      image: { aspect: "stretch", grid_pinpoints: [] },
      vision: { view_pixels: 224, view_vectors: 50 },
    });
    // EfficientNet-Lite0, classes and reader for 50 rows, the projector.
    expect((model.card.work?.view ?? 0) / 1e6).toBeCloseTo(505, -2);
  });

  test.each(cases)(
    "$files, $question: prompt and answer are the recipe's, id for id",
    async ({ files, question, canvas, steps, ...reference }) => {
      const decoded = await decodeImages(
        files.map((file) => readFileSync(path.join(pictures, file))),
      );
      if (!decoded.ok) throw new Error(`${files} cannot be decoded: ${decoded.refusal.kind}`);
      const asked = {
        messages: [{ role: "user", text: question } as const],
        pictures: decoded.value,
        options: options({ canvas, steps, blockLength: canvas }),
      };
      const prepared = prepare(asked, model.tools);
      if (!prepared.ok) throw new Error(`refused: ${prepared.refusal.kind}`);
      expect(prepared.value.prompt.ids).toEqual(reference.prompt_ids);
      const end = (await Array.fromAsync(answer(asked, model.tools, forever))).at(-1);
      if (end?.kind !== "answer.completed") throw new Error(`ended with ${end?.kind}`);
      expect(end.answer).toBe(reference.text);
      expect(end.tokens.map(({ token }) => token)).toEqual(reference.output_ids);
      expect(end.usage.imageVectors).toBe(reference.image_vectors);
    },
  );
});
