import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { decodeOrderHead } from "#wire/function/order.ts";
import { headIn } from "../../../support/orders.ts";
import { readStory } from "../../../support/read-stories.ts";
import { modelReply } from "../../cache/model-reply.ts";
import { digest, eventReply, functionReplies } from "../../function-double.ts";
import { pngUri, post } from "../compatible-calls.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const places = {
  ...{ columns: 2, rows: 2, cells: ["top left", "top right", "bottom left", "bottom right"] },
  question: "Where is the {object}?",
};

/** A function whose model was trained to say places, and says the first cell; or what is told of it in its place. */
async function trainedFunction(
  story: typeof readStory = readStory,
): Promise<ReturnType<typeof functionReplies>> {
  const card = await modelReply(digest).json<Record<string, unknown>>();
  const read = { style: { style: "lines" }, fitted: [], places };
  return functionReplies(({ url, body }) => {
    if (!url.includes("generate")) return Response.json({ ...card, read });
    const head = decodeOrderHead(headIn(body));
    if (!head.ok || head.value.read === undefined) throw new Error("the order reads nothing");
    return eventReply(story(head.value.read, head.value.options.steps));
  }, "asked");
}

const asked = { image_url: pngUri, object: "dog" };

describe("Moondream's places, of a model that was trained to say them", () => {
  test("point to the middle of the cell, with how sure it is", async () => {
    const { sent } = await trainedFunction();
    const response = await post("/v1/point", asked);
    expect(await response.json()).toEqual({
      request_id: response.headers.get("x-request-id"),
      points: [{ x: 0.25, y: 0.25, probability: 0.75 }],
    });
    const head = decodeOrderHead(headIn(sent.at(-1)!.body));
    expect(head).toMatchObject({
      ok: true,
      value: {
        read: {
          fields: [{ field: { type: "choice", none: true, instructions: "Where is the dog?" } }],
        },
      },
    });
  });

  test("detect the cell", async () => {
    await trainedFunction();
    const response = await post("/v1/detect", asked);
    expect(await response.json()).toMatchObject({
      objects: [{ x_min: 0, y_min: 0, x_max: 0.5, y_max: 0.5, probability: 0.75 }],
    });
  });

  test("are none where it is nowhere", async () => {
    await trainedFunction((read, passes) =>
      readStory(read, passes).map((event) =>
        event.kind === "answer.completed" && event.fields !== undefined
          ? {
              ...event,
              fields: event.fields.map(({ name, reading }) =>
                reading.kind === "closed"
                  ? { name, reading: { ...reading, value: null, pNone: 0.8 } }
                  : { name, reading },
              ),
            }
          : event,
      ),
    );
    const found = await post("/v1/detect", { ...asked, object: "cat" });
    expect(await found.json()).toMatchObject({ objects: [] });
    const point = await post("/v1/point", { ...asked, object: "cat" });
    expect(await point.json()).toMatchObject({ points: [] });
  });

  test.each([
    [{ image_url: pngUri }, "object"],
    [{ image_url: pngUri, object: " " }, "object"],
    [{ image_url: pngUri, object: "x".repeat(201) }, "object"],
    [{ object: "dog" }, "image_url"],
  ])("are refused without saying of what: %#", async (body, param) => {
    await trainedFunction();
    const response = await post("/v1/point", body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param } });
  });

  test("outlines are refused all the same", async () => {
    await trainedFunction();
    expect((await post("/v1/segment", asked)).status).toBe(400);
  });
});
