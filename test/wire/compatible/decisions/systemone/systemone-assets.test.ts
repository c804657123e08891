import { describe, expect, test } from "vitest";
import { systemOneForm } from "#wire/compatible/decisions/systemone/systemone-assets.ts";
import { parseSystemOne } from "#wire/compatible/decisions/systemone/systemone-request.ts";
import { MAX_IMAGE_BYTES } from "#wire/limits.ts";
import { formParts, jsonBody, shown } from "../../../../support/bodies.ts";
import { pngBytes } from "../../../../support/edge-builders.ts";
import { readingCard } from "../../../../support/readings.ts";

const base64 = Buffer.from(pngBytes).toString("base64");
const photo = "<image:0123>";
const other = "<image:01234>";
const urgent = { type: "noul", instructions: "Is it urgent?" };
const inJson = { type: "image", format: "png", data_base64: base64 };
const asked = (body: object): object => ({
  ...{ model: "jev-latest", state: photo, questions: { urgent } },
  ...body,
});

function parse(body: object): ReturnType<typeof parseSystemOne> {
  return parseSystemOne({ body: jsonBody(asked(body)) }, readingCard);
}

async function parseForm(
  body: object,
  parts: Readonly<Record<string, Uint8Array>>,
): Promise<ReturnType<typeof parseSystemOne>> {
  const form = new FormData();
  form.append("request", JSON.stringify(asked(body)));
  for (const [name, bytes] of Object.entries(parts))
    form.append(name, new Blob([bytes as Uint8Array<ArrayBuffer>]), name);
  const sent = systemOneForm(await formParts(form));
  return sent.ok ? parseSystemOne(sent.value, readingCard) : sent;
}

function read(result: ReturnType<typeof parseSystemOne>) {
  if (!result.ok) throw new Error(JSON.stringify(result.refusal));
  return result.value.request;
}

const saidIn = (body: object): string | undefined => read(parse(body)).messages[0]?.text;
const fieldIn = (body: object): object | undefined => read(parse(body)).read?.fields[0]?.field;

describe("pictures that the words name", () => {
  test("come in base64, or as parts of a form in whatever order these were sent, behind those of images", async () => {
    const png = { kind: "file", bytes: pngBytes };
    expect(shown(read(parse({ assets: { [photo]: inJson } })).pictures)).toEqual([png]);
    const changed = new Uint8Array([...pngBytes, 1]);
    const assets = { [other]: { part: "asset-1" }, [photo]: { type: "image", part: "asset-0" } };
    const images = ["https://pictures.test/a.png"];
    const parts = { "asset-0": pngBytes, "asset-1": changed };
    expect(shown(read(await parseForm({ images, assets }, parts)).pictures)).toEqual([
      { kind: "url", url: images[0] },
      { kind: "file", bytes: changed },
      png,
    ]);
  });

  test("are nothing that is said where they stand alone, and told by words where they stand in a text", () => {
    const one = { [photo]: inJson };
    expect(saidIn({ assets: one })).toBe("");
    expect(saidIn({ assets: one, state: `Sold as ${photo}, new.` })).toBe(
      "Sold as the picture, new.",
    );
    const two = { [photo]: inJson, [other]: inJson };
    expect(saidIn({ assets: two, state: { before: photo, after: [other] } })).toBe(
      '{"before":"picture 1","after":["picture 2"]}',
    );
    const images = ["https://pictures.test/a.png"];
    expect(saidIn({ assets: one, images, state: `See ${photo}` })).toBe("See picture 2");
  });

  test("are told in instructions and in what options mean; the caller's labels stay", () => {
    const assets = { [photo]: inJson, [other]: inJson };
    const same = { type: "choice", instructions: `Like ${other}?`, criteria: { [photo]: photo } };
    const questions = { same: { ...same, criteria: { ...same.criteria, no: null } } };
    expect(fieldIn({ assets, questions })).toMatchObject({
      instructions: "Like picture 2?",
      options: [{ value: photo, description: "picture 1" }, { value: "no" }],
    });
    const noul = { type: "noul", instructions: photo, criteria: { true: other } };
    expect(fieldIn({ assets, questions: { noul } })).toMatchObject({
      criteria: { true: "picture 2" },
    });
    expect(fieldIn({ assets, questions: { noul } })).not.toHaveProperty("instructions");
    const score = { type: "score", criteria: [photo, `not ${photo}`] };
    expect(fieldIn({ assets, questions: { score } })).toMatchObject({
      levels: [{ value: "picture 1" }, { value: "not picture 1" }],
    });
  });

  test("may have any name: one that begins another, one that a pattern would read otherwise, one that their own words hold", () => {
    const assets = { a: inJson, "a.": inJson, picture: inJson };
    expect(saidIn({ assets, state: "(a. a ab picture)" })).toBe(
      "(picture 2 picture 1 picture 1b picture 3)",
    );
    const odd = JSON.parse(`{"__proto__":${JSON.stringify(inJson)}}`);
    expect(saidIn({ assets: odd, state: "__proto__!" })).toBe("the picture!");
  });

  test("are refused by name and place where they are none", async () => {
    const refusal = async (
      result: ReturnType<typeof parseSystemOne> | ReturnType<typeof parseForm>,
    ) => {
      const read = await result;
      if (read.ok) throw new Error("it was not refused");
      return read.refusal;
    };
    const problem = (pointer: string, message: RegExp) => ({
      kind: "invalid_request",
      problems: [{ pointer, message: expect.stringMatching(message) }],
    });
    const named = (asset: object) => ({ assets: { "a/b": asset } });
    const [none, part] = [{ type: "image" }, { part: "asset-0" }];
    expect(await refusal(parse(named(none)))).toEqual(problem("/assets/a~1b", /neither/));
    expect(await refusal(parse(named({ type: "video" })))).toEqual(
      problem("/assets/a~1b/type", /image/),
    );
    expect(await refusal(parse(named({ data_base64: "?" })))).toEqual(
      problem("/assets/a~1b/data_base64", /base64/),
    );
    expect(await refusal(parse(named(part)))).toEqual(problem("/assets/a~1b/part", /no form/));
    expect(await refusal(parse({ assets: { " ": inJson } }))).toEqual(problem("/assets", /names/));
    const nine = Array.from({ length: 9 }, (_, at) => [`photo-${at}`, inJson]);
    expect(await refusal(parse({ assets: Object.fromEntries(nine) }))).toEqual(
      problem("/assets", /more pictures than 8/),
    );
    const often = { assets: { a: inJson }, state: ["a".repeat(600), "a".repeat(401)] };
    expect(await refusal(parse(often))).toEqual(problem("/assets", /more than 1000 times/));
    expect(parse({ ...often, state: "a".repeat(1000) }).ok).toBe(true);
    expect(await refusal(parseForm(named(part), {}))).toEqual(
      problem("/assets/a~1b/part", /names no part/),
    );
    const twice = { assets: { a: part, b: part } };
    expect(await refusal(parseForm(twice, { "asset-0": pngBytes }))).toEqual(
      problem("/assets/b/part", /another asset/),
    );
    expect(await refusal(parseForm({}, { "asset-0": pngBytes }))).toEqual(
      problem("/assets", /no asset names the part asset-0/),
    );
    expect(await refusal(parseForm(named(part), { "asset-0": new Uint8Array() }))).toEqual(
      problem("/assets/a~1b/part", /empty/),
    );
    const large = { "asset-0": new Uint8Array(MAX_IMAGE_BYTES + 1) };
    expect(await refusal(parseForm(named(part), large))).toMatchObject({
      kind: "image_file_too_large",
      image: 0,
    });
  });

  test("a form without its body, or with two parts of one name, is refused as a whole", async () => {
    const of = async (...names: string[]) => {
      const form = new FormData();
      for (const name of names) form.append(name, "{}");
      return systemOneForm(await formParts(form));
    };
    expect(await of("asset-0")).toMatchObject({
      refusal: { problems: [{ pointer: "", message: expect.stringMatching(/request/) }] },
    });
    expect(await of("request", "a", "a")).toMatchObject({
      refusal: { problems: [{ pointer: "", message: expect.stringMatching(/two parts/) }] },
    });
  });
});
