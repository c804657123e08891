import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { standardRetention } from "#domain/retention.ts";
import { inputItemsSchema } from "#wire/compatible/responses/input-items.ts";
import { responseSchema } from "#wire/compatible/responses/response-schema.ts";
import { story } from "../../../../support/edge-builders.ts";
import { readOrderBody } from "../../../../support/orders.ts";
import { answerObject } from "../../../answer-objects.ts";
import { ask, eventReply, functionReplies } from "../../../function-double.ts";
import { openAccount } from "../../administration.ts";
import { pngUri, post } from "../../compatible-calls.ts";
import { asking, create, eventsOf, path, show, waitingReply } from "./calls.ts";

afterEach(() => vi.restoreAllMocks());

const answerId = (id: string): string => id.replace("resp_", "ans_");

describe("a response that is stored", () => {
  test("is shown as it was told", async () => {
    functionReplies(() => eventReply(story));
    const told = await create(asking("Stored?", { metadata: { a: "b" }, temperature: 0.5 }));
    expect(await (await show(told.id)).json()).toEqual(told);
    expect(await (await show(answerId(told.id))).json()).toEqual(told);
  });

  test("is gone on from: what it was asked, its pictures and its answer stand before the new input, its ceiling does not", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const first = await create(asking("What colour?"));
    const second = await create({ input: "And its shape?", previous_response_id: first.id });
    expect(second.previous_response_id).toBe(first.id);
    await create(asking("And this one?", { previous_response_id: second.id }));
    const asked = readOrderBody(sent.at(-1)!.body);
    expect(asked).toMatchObject({
      ok: true,
      value: {
        messages: [
          { role: "user", text: "What colour?", pictures: 1 },
          { role: "assistant", text: "A red square." },
          { role: "user", text: "And its shape?" },
          { role: "assistant", text: "A red square." },
          { role: "user", text: "And this one?", pictures: 1 },
        ],
      },
    });
    expect(asked.ok && asked.value.images.length).toBe(2);
  });

  test("is gone on from by the id of its message, as the AI SDK does", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const first = await create(asking("By reference?"));
    const item = { type: "item_reference", id: first.output[0]?.id };
    const before = { role: "user", content: "By reference?" };
    await create({ input: [before, item, { role: "user", content: "Sure?" }] });
    expect(readOrderBody(sent.at(-1)!.body)).toMatchObject({
      value: {
        messages: [
          { text: "By reference?" },
          { role: "assistant", text: "A red square." },
          { text: "Sure?" },
        ],
      },
    });
  });

  test("looks at its pictures as closely as before where nothing new is shown", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const low = { type: "input_image", image_url: pngUri, detail: "low" };
    const content = [low, { type: "input_text", text: "Low?" }];
    const first = await create({ input: [{ role: "user", content }] });
    await create({ input: "Still?", previous_response_id: first.id });
    expect(readOrderBody(sent.at(-1)!.body)).toMatchObject({
      value: { options: { detail: "low" } },
    });
  });

  test("lists what it was asked, newest first or oldest, a page at a time, without its pictures", async () => {
    functionReplies(() => eventReply(story));
    const first = await create(asking("Listed?"));
    const second = await create({ input: "Again?", previous_response_id: first.id });
    const list = async (query: string) =>
      inputItemsSchema.parse(await (await ask(`${path}/${second.id}/input_items?${query}`)).json());
    const all = await list("");
    expect(all.data.map(({ role, content }) => [role, content])).toEqual([
      ["user", [{ type: "input_text", text: "Again?" }]],
      ["assistant", [expect.objectContaining({ text: "A red square." })]],
      ["user", [expect.objectContaining({ type: "input_image" }), expect.anything()]],
    ]);
    const page = await list("order=asc&limit=2");
    expect(page).toMatchObject({ has_more: true, last_id: page.data[1]?.id });
    const rest = await list(`order=asc&limit=2&after=${page.last_id}`);
    expect(rest).toMatchObject({ has_more: false, data: [all.data[0]] });
  });

  test("is told again as a stream, behind any event: no text is told twice and none is missing", async () => {
    functionReplies(() => eventReply(story));
    const streamed = await eventsOf(await post(path, asking("Resumed?", { stream: true })));
    const { id } = streamed.at(-1)!.response!;
    const whole = await eventsOf(await show(`${id}?stream=true`));
    expect(whole.map(({ type }) => type)).toEqual(streamed.map(({ type }) => type));
    for (const after of [3, 5, 12, 16, 19]) {
      const rest = await eventsOf(await show(`${id}?stream=true&starting_after=${after}`));
      const text = rest.map(({ delta = "" }) => delta).join("");
      expect(text).toBe("A red square.".slice(Math.max(0, after - 3)));
      expect(rest.every(({ sequence_number }) => sequence_number > after)).toBe(true);
      expect(rest.at(-1)?.response?.status).toBe("incomplete");
    }
  });

  test("is deleted with its answer, and then neither shown nor gone on from", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await create(asking("Deleted?"));
    const deleted = await ask(`${path}/${id}`, { method: "DELETE" });
    expect(await deleted.json()).toEqual({ id, object: "response", deleted: true });
    expect((await show(id)).status).toBe(404);
    expect((await ask(`/v1/answers/${answerId(id)}`)).status).toBe(404);
    const next = await post(path, { input: "Still?", previous_response_id: id });
    expect(next.status).toBe(400);
  });

  test("in the background is told at once, goes on when its caller has left, and is there at its end", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    functionReplies(async () => {
      await promise;
      return eventReply(story);
    });
    const begun = await create(asking("Background?", { background: true }));
    expect(["queued", "in_progress"]).toContain(begun.status);
    expect(begun).toMatchObject({ background: true, output: [], usage: null });
    const stream = await show(`${begun.id}?stream=true`);
    resolve();
    expect((await eventsOf(stream)).at(-1)?.response?.output[0]?.content[0]?.text).toBe(
      "A red square.",
    );
    const ended = responseSchema.parse(await (await show(begun.id)).json());
    expect(ended).toMatchObject({ background: true, status: "incomplete" });
  });

  test("in the background is cancelled by its id, and stays so", async () => {
    functionReplies(({ signal }) => waitingReply(signal));
    const { id } = await create(asking("Cancelled?", { background: true }));
    const cancel = async () => await ask(`${path}/${id}/cancel`, { method: "POST" });
    expect(responseSchema.parse(await (await cancel()).json()).status).toBe("cancelled");
    expect(responseSchema.parse(await (await cancel()).json()).status).toBe("cancelled");
    const next = await post(path, { input: "Still?", previous_response_id: id });
    expect(await next.json()).toMatchObject({
      error: {
        code: "previous_response_not_found",
        message: expect.stringContaining("without an answer"),
      },
    });
  });
});

describe("a response cannot be gone on from", () => {
  async function refusedBy(previous: string, headers: HeadersInit = {}): Promise<string> {
    const body = { input: "Still?", previous_response_id: previous };
    const response = await post(path, body, headers);
    const { error } = (await response.json()) as { error: Record<string, string> };
    expect([response.status, error["code"], error["param"]]).toEqual([
      ...[400, "previous_response_not_found", "previous_response_id"],
    ]);
    return error["message"] ?? "";
  }

  test("where it never was, was not stored, or is another account's, and whose it is is not told", async () => {
    functionReplies(() => eventReply(story));
    const own = await create(asking("Mine?"));
    const { key } = await openAccount();
    const headers = { authorization: `Bearer ${key}` };
    const theirs = await refusedBy(own.id, headers);
    const nobodys = await refusedBy("resp_2000000000000000000000");
    expect(theirs.replace(own.id, "X")).toBe(nobodys.replace(/resp_2\w+/, "X"));
    expect((await show(own.id, headers)).status).toBe(404);
    const unstored = await create(asking("Unstored?", { store: false }));
    expect(unstored.store).toBe(false);
    expect(await refusedBy(unstored.id)).toMatch(/not stored/);
  });

  test("once its question is forgotten, when its answer is still shown and its message referred to", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const { id, output } = await create(asking("Forgotten?", { metadata: { kept: "yes" } }));
    const clock = vi
      .spyOn(Date, "now")
      .mockReturnValue(Date.now() + standardRetention.questionMs + 1000);
    await runDurableObjectAlarm(answerObject(answerId(id)));
    clock.mockRestore();
    expect(await refusedBy(id)).toMatch(/not kept any more/);
    expect(await (await show(id)).json()).toMatchObject({ metadata: { kept: "yes" }, output });
    expect((await ask(`${path}/${id}/input_items`)).status).toBe(404);
    const item = { type: "item_reference", id: output[0]?.id };
    await create({ input: [item, { role: "user", content: "Sure?" }] });
    expect(readOrderBody(sent.at(-1)!.body)).toMatchObject({
      value: { messages: [{ text: "A red square." }, { text: "Sure?" }] },
    });
  });

  test("while it is being made", async () => {
    functionReplies(({ signal }) => waitingReply(signal));
    const { id } = await create(asking("Running?", { background: true }));
    expect(await refusedBy(id)).toMatch(/still being made/);
    await ask(`${path}/${id}/cancel`, { method: "POST" });
  });

  test("and one that was gone on from and paid is told again under its Idempotency-Key, whatever became of the earlier one", async () => {
    functionReplies(() => eventReply(story));
    const first = await create(asking("Paid?"));
    const headers = { "idempotency-key": "gone-on" };
    const body = { input: "And?", previous_response_id: first.id };
    const second = await create(body, headers);
    await ask(`${path}/${first.id}`, { method: "DELETE" });
    const again = await post(path, body, headers);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(responseSchema.parse(await again.json()).id).toBe(second.id);
  });
});
