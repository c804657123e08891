import { describe, expect, test } from "vitest";
import { UNTOLD_READ_STYLE } from "#domain/read-style.ts";
import { readSchema } from "#wire/compatible/json-schema/read-schema.ts";
import { growingJson } from "#wire/compatible/structured/growing-json.ts";

const boolean = { type: "boolean" };
const reading = readSchema(
  {
    type: "object",
    properties: {
      first: boolean,
      title: { type: "string" },
      box: { type: "object", properties: { open: boolean, full: boolean } },
    },
    required: ["first", "title", "box"],
  },
  UNTOLD_READ_STYLE,
);

interface Event {
  readonly event: string;
  readonly body: object;
}

const yes = { type: "boolean", value: true, guess: true };
const no = { type: "boolean", value: false, guess: false };
const title = { type: "text", value: 'A "dog"' };
const known = (field: string, body: object): Event => ({
  event: "field.completed",
  body: { field, ...body },
});
const end = (fields: object, event = "answer.completed"): Event => ({ event, body: { fields } });
const frame: Event = { event: "answer.frame", body: {} };
const restarted: Event = { event: "answer.restarted", body: {} };

async function told(events: readonly Event[]): Promise<readonly string[]> {
  if (!reading.ok) throw new Error("the schema was not read");
  async function* messages() {
    for (const { event, body } of events) yield { event, data: JSON.stringify(body) };
  }
  const request = { requestId: "r", instance: "/" };
  const updates = growingJson(messages(), request, reading.value.shape);
  return (await Array.fromAsync(updates)).map((update) =>
    update.kind === "text" ? update.text : update.kind === "failed" ? update.problem.code : "end",
  );
}

describe("the JSON of a stream", () => {
  const all = { first: yes, title, "box.open": yes, "box.full": no };

  test("grows with each property that is final with all before it", async () => {
    const events = [
      { event: "answer.started", body: {} },
      known("box.open", yes),
      known("first", yes),
      frame,
      known("title", title),
      known("box.full", no),
      frame,
      end(all),
    ];
    expect(await told(events)).toEqual([
      "{",
      '"first":true',
      String.raw`,"title":"A \"dog\"","box":{"open":true`,
      ',"full":false}}',
      "end",
    ]);
  });

  test("comes at once where nothing of it was told before, as from the cache", async () => {
    expect(await told([end(all)])).toEqual([
      String.raw`{"first":true,"title":"A \"dog\"","box":{"open":true,"full":false}}`,
      "end",
    ]);
  });

  test("ends before what a deadline cut off", async () => {
    const unfinished = { type: "text", value: null, unfinished: true };
    expect(
      await told([known("first", yes), end({ ...all, title: unfinished }, "answer.partial")]),
    ).toEqual(['{"first":true', "end"]);
  });

  test("goes on where an answer begins anew and reads the same, and fails where it does not", async () => {
    const again = [known("first", yes), restarted];
    expect(await told([...again, known("first", yes), end(all)])).toEqual([
      '{"first":true',
      String.raw`,"title":"A \"dog\"","box":{"open":true,"full":false}}`,
      "end",
    ]);
    expect(await told([...again, known("first", no)])).toEqual([
      '{"first":true',
      "answer_restarted",
    ]);
    expect(await told([...again, end({ ...all, first: no })])).toEqual([
      ...['{"first":true', "answer_restarted"],
    ]);
  });

  test("ends with the reason where the answer fails, and throws where its events break off", async () => {
    const failed = { event: "answer.failed", body: { code: "draining" } };
    expect(await told([known("first", yes), failed])).toEqual(['{"first":true', "draining"]);
    await expect(told([known("first", yes)])).rejects.toThrow("ended before it did");
  });
});
