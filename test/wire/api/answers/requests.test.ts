import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { FieldProblem } from "#domain/failure.ts";
import type { AskedCard } from "#wire/api/answers/options.ts";
import {
  type AnswerRequest,
  parseAnswerForm,
  parseAnswerJson,
} from "#wire/api/answers/requests.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { MAX_IMAGE_BYTES, MAX_TEXT_BYTES } from "#wire/limits.ts";
import { formParts, jsonBody, shown } from "../../../support/bodies.ts";
import { pngBytes, untold } from "../../../support/edge-builders.ts";

const data = encodeBase64(pngBytes);

function parse(body: unknown, card = untold): ReturnType<typeof parseAnswerJson> {
  return parseAnswerJson(jsonBody(body), card);
}

function accepted(body: unknown, card = untold): AnswerRequest {
  const result = parse(body, card);
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`);
  return result.value;
}

function problems(result: ReturnType<typeof parseAnswerJson>): readonly FieldProblem[] {
  if (result.ok || result.refusal.kind !== "invalid_request") throw new Error("not refused");
  return result.refusal.problems;
}

function formOf(fields: Record<string, string | string[]>, files: readonly Uint8Array[] = []) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields))
    for (const item of [value].flat()) form.append(name, item);
  for (const file of files) form.append("image", new Blob([new Uint8Array(file)]), "photo.png");
  return form;
}

describe("a question as JSON", () => {
  test("needs nothing but the question; the schedule follows from the canvas", () => {
    expect(accepted({ question: "What is this?" })).toEqual({
      messages: [{ role: "user", text: "What is this?" }],
      pictures: [],
      cardDigest: null,
      options: {
        detail: "auto",
        canvas: 32,
        steps: 32,
        blockLength: 32,
        mode: "cached",
        refresh: 4,
        commit: { rule: "schedule" },
        temperature: 0,
        seed: 0,
        stop: [],
      },
      warnings: [],
      wantsStream: false,
      maximum: null,
      deadlineMs: null,
      keeping: { isStored: true, questionMs: null, answerMs: null },
      webhook: null,
      cache: "private",
    });
    expect(accepted({ question: "?", canvas: 8 }).options).toMatchObject({
      steps: 8,
      blockLength: 8,
    });
  });

  describe("to a model of its own abilities", () => {
    const card: AskedCard = {
      abilities: {
        canvas: { standard: 24, recommended: 32, limit: 64 },
        ...{ systemMessages: false, severalPictures: true, severalTurns: true },
      },
      blockLength: 8,
      mode: "cached",
      refresh: { standard: 3, limit: 6 },
    };

    test("has the model's canvas and blocks where it names none", () => {
      const { options, warnings } = accepted({ question: "?" }, card);
      expect(options).toMatchObject({ canvas: 24, steps: 24, blockLength: 8 });
      expect(warnings).toEqual([]);
    });

    test.each([
      ["a canvas that the model's blocks do not divide", { canvas: 20 }, 5],
      ["steps that the model's blocks cannot share", { canvas: 24, steps: 4 }, 6],
      ["a canvas that nothing near the model's blocks divides", { canvas: 22 }, 22],
      ["a block length of its own", { canvas: 24, block_length: 24 }, 24],
    ])("has blocks that fit with %s", (_, fields, blockLength) => {
      expect(accepted({ question: "?", ...fields }, card).options).toMatchObject({ blockLength });
    });

    test("is answered in the model's mode where it names none, as often refreshed as the model is", () => {
      const schedule = { rule: "schedule" };
      expect(accepted({ question: "?" }, card).options).toMatchObject({
        ...{ mode: "cached", refresh: 3, commit: schedule },
      });
      expect(accepted({ question: "?", refresh: 6 }, card).options.refresh).toBe(6);
      expect(problems(parse({ question: "?", refresh: 7 }, card))).toEqual([
        {
          pointer: "/refresh",
          message: "is 7; this model takes 6 at most: see refresh in GET /v1/models",
        },
      ]);
      const exact = accepted({ question: "?" }, { ...card, mode: "exact" }).options;
      expect(exact).toMatchObject({ mode: "exact", refresh: 1, commit: schedule });
    });

    test("names what a mode leaves open: with equal options no answer is decoded otherwise than another", () => {
      expect(accepted({ question: "?", mode: "fast" }, card).options).toMatchObject({
        ...{ mode: "fast", refresh: 8 },
        commit: { rule: "entropy", bound: 0.1, gaps: [7.5, 5, 2.5] },
      });
    });

    test("beyond the recommendation is taken with a warning, beyond the limit refused", () => {
      const { options, warnings } = accepted({ question: "?", canvas: 64 }, card);
      expect([options.canvas, warnings]).toEqual([
        64,
        [{ kind: "canvas_not_recommended", canvas: 64, recommended: 32 }],
      ]);
      expect(problems(parse({ question: "?", canvas: 65 }, card))).toEqual([
        { pointer: "/canvas", message: "is 65; this model takes 64 positions at most" },
      ]);
    });

    test("loses its system message, and is else the question that it would be without", () => {
      const asked = { role: "user", content: "What is this?" };
      const system = { role: "system", content: "Answer in German." };
      const { warnings, ...without } = accepted({ messages: [system, asked] }, card);
      expect({ ...without, warnings: [] }).toEqual(accepted({ messages: [asked] }, card));
      expect(warnings).toEqual([{ kind: "system_message_dropped" }]);
    });
  });

  test("takes every option by its wire name", () => {
    const request = accepted({
      model: "demo",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "What is this?" },
      ],
      detail: "low",
      canvas: 16,
      steps: 8,
      block_length: 4,
      mode: "exact",
      temperature: 0.5,
      seed: 7,
      stop: "\n",
      suffix: "}",
      stream: true,
    });
    expect(request).toMatchObject({ model: "demo", wantsStream: true });
    expect(request.messages[0]).toEqual({ role: "system", text: "Be brief." });
    expect(request.options).toEqual({
      detail: "low",
      canvas: 16,
      steps: 8,
      blockLength: 4,
      mode: "exact",
      refresh: 1,
      commit: { rule: "schedule" },
      temperature: 0.5,
      seed: 7,
      stop: ["\n"],
      suffix: "}",
    });
  });

  test.each([
    ["image.data in base64", { image: { data } }],
    ["image.data as a data URI", { image: { data: `data:image/png;base64,${data}` } }],
    ["image as text", { image: data }],
    ["images", { images: [{ data }] }],
  ])("carries a picture as %s", (_, picture) => {
    expect(shown(accepted({ question: "?", ...picture }).pictures)).toEqual([
      { kind: "file", bytes: pngBytes },
    ]);
  });

  test("has its pictures where they were brought: beside the messages is in the user's first", () => {
    const [dog, cat] = [{ url: "https://pictures.test/dog" }, { url: "https://pictures.test/cat" }];
    const turns = (first: object, second: object) => [
      { role: "system", content: "s" },
      { role: "user", content: "What is this?", ...first },
      { role: "assistant", content: "A dog." },
      { role: "user", content: "And this?", ...second },
    ];
    const spread = accepted({ messages: turns({ images: [dog, dog] }, { images: [cat] }) });
    expect(spread.messages.map(({ pictures }) => pictures)).toEqual([undefined, 2, undefined, 1]);
    expect(spread.pictures).toMatchObject([dog, dog, cat]);
    const late = accepted({ messages: turns({}, { images: [cat] }) });
    expect(late.messages.map(({ pictures }) => pictures)).toEqual([
      undefined,
      undefined,
      undefined,
      1,
    ]);
    const first = accepted({ messages: turns({ images: [dog] }, {}) });
    expect(first).toEqual(accepted({ messages: turns({}, {}), images: [dog] }));
    expect(first.messages.some((message) => "pictures" in message)).toBe(false);
  });

  test("passes over messages that say and show nothing, wherever they stand before the last", () => {
    const { messages } = accepted({
      messages: [
        { role: "system", content: "" },
        { role: "user", content: " ", images: [{ data }] },
        { role: "assistant", content: "\n" },
        { role: "user", content: "What is this?" },
      ],
    });
    expect(messages).toEqual([
      { role: "user", text: "" },
      { role: "user", text: "What is this?" },
    ]);
  });

  test.each<[string, object, string, RegExp]>([
    ["a field that nobody knows", { question: "?", colour: 1 }, "/colour", /unknown/],
    [
      "an unknown field inside a picture",
      { question: "?", image: { data, x: 1 } },
      "/image/x",
      /unknown/,
    ],
    [
      "a picture that is no base64",
      { question: "?", images: [{ data: "%%%%" }] },
      "/images/0/data",
      /base64/,
    ],
    ["a picture of no bytes", { question: "?", image: "" }, "/image", /empty/],
    ["a data URI of no bytes", { question: "?", image: "data:image/png," }, "/image", /empty/],
    ["a data URI without a comma", { question: "?", image: "data:;base64" }, "/image", /data URI/],
    ["image beside images", { question: "?", image: data, images: [data] }, "/images", /not both/],
    [
      "question beside messages",
      { question: "?", messages: [{ role: "user", content: "?" }] },
      "/messages",
      /not both/,
    ],
    ["nothing asked", {}, "/question", /ask something/],
    [
      "a data URI where an address belongs",
      { question: "?", image: { url: `data:image/png;base64,${data.repeat(99)}` } },
      "/image/url",
      /^is a data URI and no address; send it as \{data\}/,
    ],
    [
      "an address where a file belongs",
      { question: "?", image: { data: "https://pictures.test/a.png" } },
      "/image/data",
      /^is an address/,
    ],
    [
      "an address that is too long",
      { question: "?", image: { url: `https://a.test/${"x".repeat(2048)}` } },
      "/image/url",
      /2048 characters/,
    ],
    [
      "pictures that an answer shows",
      {
        messages: [
          { role: "assistant", content: "!", images: [data] },
          { role: "user", content: "?" },
        ],
      },
      "/messages/0/images",
      /only a message of the user/,
    ],
    [
      "pictures in messages and beside them",
      { messages: [{ role: "user", content: "?", images: [data] }], image: data },
      "/messages",
      /all in one place/,
    ],
    [
      "nine pictures in all",
      {
        messages: [
          { role: "user", content: "?", images: Array<string>(5).fill(data) },
          { role: "user", content: "?", images: Array<string>(4).fill(data) },
        ],
      },
      "/messages",
      /9 pictures; 8/,
    ],
    [
      "a picture in a message that is none",
      { messages: [{ role: "user", content: "?", images: [data, { data: "!" }] }] },
      "/messages/0/images/1/data",
      /not base64: "!" at character 1/,
    ],
    [
      "a last message that asks nothing",
      { messages: [{ role: "user", content: "\n", images: [data] }] },
      "/messages/0/content",
      /blank/,
    ],

    ["a blank question", { question: " \n" }, "/question", /blank/],
    [
      "an answer as the last message",
      { messages: [{ role: "assistant", content: "!" }] },
      "/messages/0/role",
      /last/,
    ],
    [
      "too much text",
      { question: "é".repeat(MAX_TEXT_BYTES / 2 + 1) },
      "/question",
      /^has more than \d+ bytes of text$/,
    ],
    ["a canvas beyond the limit", { question: "?", canvas: 513 }, "/canvas", /512/],
    ["half a step", { question: "?", steps: 1.5 }, "/steps", /whole number/],
    ["a number as text", { question: "?", canvas: "32" }, "/canvas", /number/],
    [
      "blocks that do not fill the canvas",
      { question: "?", block_length: 5 },
      "/block_length",
      /divide/,
    ],
    [
      "a block larger than the canvas",
      { question: "?", block_length: 64 },
      "/block_length",
      /divide/,
    ],
    [
      "steps that blocks cannot share",
      { question: "?", block_length: 8, steps: 6 },
      "/steps",
      /shared equally/,
    ],
    ["more steps than positions", { question: "?", steps: 64 }, "/steps", /cannot each/],
    ["a mode of later", { question: "?", mode: "faster" }, "/mode", /exact/],
    ["a refresh of none", { question: "?", refresh: 0 }, "/refresh", /1/],
    ["a refresh beyond the card", { question: "?", refresh: 33 }, "/refresh", /takes 32 at most/],
    [
      "a refresh of a mode that has its own",
      { question: "?", mode: "fast", refresh: 2 },
      "/refresh",
      /of mode "cached" alone: mode "fast"/,
    ],
    ["a refresh of exact", { question: "?", mode: "exact", refresh: 1 }, "/refresh", /"exact"/],
    ["negative heat", { question: "?", temperature: -1 }, "/temperature", /0/],
  ])("is refused for %s, with a pointer", (_, body, pointer, message) => {
    expect(problems(parse(body))).toEqual([{ pointer, message: expect.stringMatching(message) }]);
  });

  test("is refused for a picture beyond the limit before it is decoded", () => {
    const long = "A".repeat(Math.ceil(((MAX_IMAGE_BYTES + 3) * 4) / 3));
    const refusal = { kind: "image_file_too_large", image: 0, limitBytes: MAX_IMAGE_BYTES };
    expect(parse({ question: "?", image: long })).toMatchObject({ refusal });
  });

  test("names several faults at once, but never more than twenty", () => {
    const body = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`x${index}`, 0]));
    expect(problems(parse({ canvas: 0, steps: "a", question: "?" }))).toHaveLength(2);
    expect(problems(parse(body))).toHaveLength(20);
  });

  test.each(["", "{", "[]", "null", '"x"', "\u{feff}{"])(
    "is refused when the body is %j",
    (text) => {
      expect(
        problems(parseAnswerJson(jsonBody(new TextEncoder().encode(text)), untold)),
      ).toMatchObject([{ pointer: "" }]);
    },
  );

  test("is refused when the body is not UTF-8", () => {
    expect(problems(parseAnswerJson(jsonBody(Uint8Array.of(0x22, 0xff, 0x22)), untold))).toEqual([
      { pointer: "", message: "is not UTF-8 text" },
    ]);
  });

  test("is answered with a value for any JSON at all, never with an exception", () => {
    fc.assert(fc.property(fc.jsonValue(), (body) => void parse(body)));
  });
});

describe("how many other tokens are told", () => {
  test("is no part of the question: all else is read as without it, from JSON and from a form", async () => {
    const plain = accepted({ question: "What?" });
    expect(accepted({ question: "What?", alternatives: 3 })).toEqual({ ...plain, alternatives: 3 });
    expect(plain).not.toHaveProperty("alternatives");
    const parts = await formParts(formOf({ question: "What?", alternatives: "2" }));
    expect(parseAnswerForm(parts, untold)).toEqual({
      ok: true,
      value: { ...plain, alternatives: 2 },
    });
  });

  test.each([-1, 4, 1.5, "3", null])("is 0 to 3: %j is refused", (alternatives) => {
    const [problem] = problems(parse({ question: "What?", alternatives }));
    expect(problem?.pointer).toBe("/alternatives");
  });
});

describe("a question as a form", () => {
  test("is the same as in JSON where it has several lines, though forms end each with CRLF", async () => {
    const question = "What is this?\nAnswer in a word.";
    const body = jsonBody({ question });
    expect(parseAnswerForm(await formParts(formOf({ question })), untold)).toEqual(
      parseAnswerJson(body, untold),
    );
  });

  test("has its texts, and a picture that stands in its messages, nowhere as one text of their length", async () => {
    const data = "A".repeat(4 * 1024 * 1024);
    const content = "What is this?";
    const messages = JSON.stringify([{ role: "user", content, images: [{ data }] }]);
    const parts = await formParts(formOf({ messages }));
    const long = await formParts(formOf({ question: data }));
    const decode = vi.spyOn(TextDecoder.prototype, "decode");
    const encode = vi.spyOn(TextEncoder.prototype, "encode");
    const read = parseAnswerForm(parts, untold);
    expect(problems(parseAnswerForm(long, untold))).toMatchObject([{ pointer: "/question" }]);
    const sizes = [
      ...decode.mock.calls.map(([bytes]) => bytes?.byteLength ?? 0),
      ...encode.mock.calls.map(([text]) => text?.length ?? 0),
    ];
    vi.restoreAllMocks();
    expect(Math.max(...sizes)).toBeLessThan(64 * 1024);
    if (!read.ok) throw new Error(read.refusal.kind);
    const [picture] = read.value.pictures;
    expect(picture?.kind === "file" && picture.file.byteLength).toBe(3 * 1024 * 1024);
  });

  test("means what the same JSON means", async () => {
    const fields = { canvas: 16, steps: 8, block_length: 4, temperature: 0.5, seed: 7 };
    const common = { question: "What is this?", detail: "low", suffix: "}", stop: ["a", "b"] };
    const form = formOf(
      {
        ...common,
        ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, `${value}`])),
        stream: "true",
      },
      [pngBytes, pngBytes],
    );
    expect(parseAnswerForm(await formParts(form), untold)).toEqual(
      parse({ ...common, ...fields, stream: true, images: [data, data] }),
    );
  });

  test("takes messages as JSON text", async () => {
    const messages = [{ role: "user", content: "What is this?" }];
    expect(
      parseAnswerForm(await formParts(formOf({ messages: JSON.stringify(messages) })), untold),
    ).toEqual(parse({ messages }));
  });

  test.each<[string, FormData, string]>([
    ["a number that is none", formOf({ question: "?", canvas: "0x20" }), "/canvas"],
    ["a field given twice", formOf({ question: ["?", "!"] }), "/question"],
    ["an unknown field", formOf({ question: "?", colour: "red" }), "/colour"],
    ["an empty file", formOf({ question: "?" }, [new Uint8Array()]), "/image"],
    ["nine files", formOf({ question: "?" }, Array<Uint8Array>(9).fill(pngBytes)), "/image"],
    ["messages that are no JSON", formOf({ messages: "[" }), "/messages"],
  ])("is refused for %s", async (_, form, pointer) => {
    expect(problems(parseAnswerForm(await formParts(form), untold))).toMatchObject([{ pointer }]);
  });

  test("is refused for a picture that is text, and told how curl sends a file", async () => {
    const form = formOf({ image: "dog.png", qestion: "?" });
    expect(problems(parseAnswerForm(await formParts(form), untold))).toEqual([
      { pointer: "/image", message: expect.stringContaining("-F image=@dog.png") },
    ]);
  });

  test("is refused for a file under any other name", async () => {
    const form = formOf({ question: "?" });
    form.append("photo", new Blob(["x"]), "photo.png");
    expect(problems(parseAnswerForm(await formParts(form), untold))).toMatchObject([
      { pointer: "/photo", message: "only image may be a file" },
    ]);
  });
});
