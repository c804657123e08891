import { describe, expect, test } from "vitest";
import { parseMoondreamCaption, parseMoondreamQuery } from "#wire/compatible/moondream.ts";
import { jsonBody, shown } from "../../support/bodies.ts";
import { pngBytes, untold } from "../../support/edge-builders.ts";

const image_url = `data:image/png;base64,${Buffer.from(pngBytes).toString("base64")}`;

describe("Moondream's requests are read as questions", () => {
  test("a query with its picture, past what newer clients add", () => {
    const body = { image_url, question: "What?", stream: true, reasoning: false, spatial_refs: [] };
    const read = parseMoondreamQuery(jsonBody(body), untold);
    expect(read).toMatchObject({
      ok: true,
      value: { wantsStream: true, request: { messages: [{ text: "What?" }] } },
    });
    const pictures = read.ok ? read.value.request.pictures : [];
    expect(shown(pictures)).toEqual([{ kind: "file", bytes: pngBytes }]);
  });

  test("a query without a picture, and with one by its address", () => {
    expect(parseMoondreamQuery(jsonBody({ question: "Why?" }), untold)).toMatchObject({
      value: { request: { pictures: [] } },
    });
    const url = "https://pictures.test/a.png";
    expect(parseMoondreamQuery(jsonBody({ question: "?", image_url: url }), untold)).toMatchObject({
      value: { request: { pictures: [{ kind: "url", url }] } },
    });
  });

  test.each([
    ["short", 16],
    ["normal", 32],
    ["long", 64],
    [undefined, 32],
  ])("a caption of length %s has a canvas of %i", (length, canvas) => {
    expect(parseMoondreamCaption(jsonBody({ image_url, length }), untold)).toMatchObject({
      value: { request: { options: { canvas } } },
    });
  });

  test.each([
    [{ length: "long" }, 32],
    [{ length: "short" }, 16],
    [{ length: "long", settings: { max_tokens: 24 } }, 24],
    [{ length: "short", settings: { max_tokens: 4096 } }, 16],
    [{ settings: { max_tokens: 4096 } }, 32],
  ])("a caption, %j, is never longer than the model was trained for", (fields, canvas) => {
    const abilities = {
      ...untold.abilities,
      canvas: { standard: 32, recommended: 32, limit: 512 },
    };
    const card = { ...untold, abilities };
    expect(parseMoondreamCaption(jsonBody({ image_url, ...fields }), card)).toMatchObject({
      value: { request: { options: { canvas }, warnings: [] } },
    });
    const query = jsonBody({ image_url, question: "?", settings: { max_tokens: 4096 } });
    expect(parseMoondreamQuery(query, card)).toMatchObject({
      value: { request: { options: { canvas: 32 }, warnings: [] } },
    });
  });

  test("settings bound the canvas and set the temperature", () => {
    const settings = { max_tokens: 9, temperature: 0.5 };
    expect(parseMoondreamCaption(jsonBody({ image_url, settings }), untold)).toMatchObject({
      value: { request: { options: { canvas: 9, temperature: 0.5 } } },
    });
  });
});

describe("Moondream's requests are refused by their own names", () => {
  test.each([
    [{ question: "?", image_url: "data:image/png;base64,!" }, "/image_url"],
    [{ question: "?", settings: { temperature: 9 } }, "/settings/temperature"],
    [{ image_url }, "/question"],
    [{ question: " ", image_url }, "/question"],
  ])("%j", (body, pointer) => {
    const parsed = parseMoondreamQuery(jsonBody(body), untold);
    expect(parsed).toMatchObject({ refusal: { kind: "invalid_request", problems: [{ pointer }] } });
  });
});
