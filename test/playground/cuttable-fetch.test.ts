import { expect, test } from "vitest";
import { cuttableFetch } from "#playground/asking/cuttable-fetch.ts";

const utf8 = new TextEncoder();

/** Replies with events in these pieces, whatever is asked. */
function replying(...pieces: readonly string[]): typeof fetch {
  return async () => {
    const left = [...pieces];
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        const piece = left.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(utf8.encode(piece));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
  };
}

async function textsOf(response: Response): Promise<string[]> {
  const texts: string[] = [];
  for await (const piece of response.body ?? []) texts.push(new TextDecoder().decode(piece));
  return texts;
}

test("events are handed on one at a time, however they arrive, and none is lost", async () => {
  const line = cuttableFetch(
    replying("id: 1\ndata: a\n", "\nid: 2\ndata: b\n\nid: 3\n", "data: c\n\n"),
    () => {},
  );
  const texts = await textsOf(await line.fetch("http://edge.test/"));
  expect(texts).toEqual(["id: 1\ndata: a\n\n", "id: 2\ndata: b\n\n", "id: 3\ndata: c\n\n"]);
});

test("a cut breaks the stream as a network would, and loses what was not read yet", async () => {
  const line = cuttableFetch(replying("data: a\n\ndata: b\n\n"), () => {});
  const reader = (await line.fetch("http://edge.test/")).body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("data: a\n\n");
  line.cut();
  await expect(reader?.read()).rejects.toThrow(TypeError);
});

test("a stream that goes on behind another says behind which event", async () => {
  const resumed: string[] = [];
  const line = cuttableFetch(replying("data: b\n\n"), (id) => resumed.push(id));
  await line.fetch("http://edge.test/");
  await line.fetch("http://edge.test/", { headers: { "last-event-id": "ans_1.4" } });
  expect(resumed).toEqual(["ans_1.4"]);
});

test("refusals and replies that are no stream pass as they are", async () => {
  const reply = Response.json({ code: "rate_limited" }, { status: 429 });
  const line = cuttableFetch(
    async () => reply,
    () => {},
  );
  expect(await line.fetch("http://edge.test/")).toBe(reply);
});
