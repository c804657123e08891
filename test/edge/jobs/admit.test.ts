import { describe, expect, test } from "vitest";
import { admit } from "#edge/jobs/admit.ts";
import { pngBytes, question } from "../../support/edge-builders.ts";

const job = { id: "ans_1", accountId: "acc_1", model: "unmask-demo", createdAt: 0 };

function admitted(images: readonly Uint8Array[], model?: string) {
  const asked = { question: question({ images }), wantsStream: false };
  return admit({ ...asked, ...(model === undefined ? {} : { model }) }, job);
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

describe("a question is let in", () => {
  test.each([
    ["JPEG", bytes("\xff\xd8\xff\xe0")],
    ["PNG", pngBytes],
    ["WebP", bytes("RIFF\x24\0\0\0WEBPVP8 ")],
    ["GIF", bytes("GIF89a\x01\0")],
  ])("with a %s file, told by its first bytes", (_, image) => {
    expect(admitted([image]).ok).toBe(true);
  });

  test("for the served model, named or not", () => {
    expect([admitted([]).ok, admitted([], "unmask-demo").ok]).toEqual([true, true]);
  });
});

describe("a question is refused", () => {
  test.each([
    ["nothing", ""],
    ["half a signature", "\x89PNG"],
    ["a sound in the same container", "RIFF\x24\0\0\0WAVEfmt "],
    ["SVG", "<svg xmlns="],
    ["an AVIF file", "\0\0\0\x1cftypavif"],
  ])("with %s for a picture, naming which one", (_, text) => {
    expect(admitted([pngBytes, bytes(text)])).toMatchObject({
      refusal: { kind: "image_unsupported", image: 1 },
    });
  });
});
