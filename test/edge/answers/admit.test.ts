import { describe, expect, test } from "vitest";
import { admit } from "#edge/answers/admit.ts";
import { options, pngBytes, question } from "../../support/edge-builders.ts";
import { ascii, gif, jpeg } from "../../support/image-files.ts";
import { asked } from "../../support/orders.ts";
import { demoCard } from "../demo-card.ts";

const card = demoCard();

function admitted(images: readonly Uint8Array[]) {
  const job = { id: "ans_1", accountId: "acc_1", card, warnings: [], createdAt: 0 };
  return admit(asked(question({ images })), job);
}

describe("a question is let in", () => {
  test.each([
    ["JPEG", jpeg(30, 20)],
    ["PNG", pngBytes],
    ["GIF", gif(30, 20, 1)],
  ])("with a %s file, measured by its header", (_, image) => {
    expect(admitted([image])).toMatchObject({ value: { work: { imageVectors: 37 } } });
  });

  test("with the price of what it takes", () => {
    const job = { id: "ans_1", accountId: "acc_1", card, warnings: [], createdAt: 0 };
    const suffix = "é";
    const suffixed = asked(question({ options: options({ suffix }) }));
    // 37 vectors, 13 bytes of question, 2 of suffix, 64 of template, 4 of canvas; 2 steps.
    const positions = 37 + 13 + 2 + 64 + 4;
    const { view, linear, attention } = card.prices;
    const picos = view + BigInt(2 * positions) * (linear + BigInt(positions) * attention);
    expect(admit(suffixed, job)).toMatchObject({
      value: { work: { positions }, quote: { price: (picos + 999_999n) / 1_000_000n } },
    });
  });
});

test("each further message of a conversation is priced with what the template takes around it", () => {
  const turns = (["user", "assistant", "user"] as const).map((role) => ({ role, text: "é" }));
  const job = { id: "ans_1", accountId: "acc_1", card, warnings: [], createdAt: 0 };
  const long = asked({ ...question({ images: [] }), messages: turns });
  expect(admit(long, job)).toMatchObject({
    value: { work: { positions: 3 * 2 + 64 + 2 * 14 + 4 } },
  });
});

describe("a question is refused", () => {
  test.each([
    ["a sound in the same container", ascii(`RIFF\x24\0\0\0WAVEfmt ${"\0".repeat(32)}`)],
    ["SVG", ascii("<svg xmlns=")],
  ])("with %s for a picture, naming which one", (_, image) => {
    expect(admitted([pngBytes, image])).toMatchObject({
      refusal: { kind: "image_unsupported", image: 1 },
    });
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["half a signature", pngBytes.slice(0, 4)],
    ["the type alone", ascii("\0\0\0\x1cftypavif\0\0\0\0mif1avif")],
    ["half a header", jpeg(30, 20).slice(0, 8)],
  ])("with %s of a picture, naming which one", (_, image) => {
    expect(admitted([pngBytes, image])).toMatchObject({
      refusal: { kind: "image_truncated", image: 1 },
    });
  });
});
