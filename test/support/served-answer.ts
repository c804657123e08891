import { ZERO } from "#domain/micros.ts";
import { answerBody } from "#wire/api/answers/responses.ts";
import { encodeSse, type SseMessage } from "#wire/codec/sse.ts";
import { eventMessage, progressMessage } from "#wire/function/event-messages.ts";
import { numerics, story } from "./edge-builders.ts";

const id = "ans_0Kb3nV7cQ2xY9mTgA4hZw";
const completed = story[3];
if (completed?.kind !== "answer.completed") throw new Error("the story has another end");

function messagesEnding(status: "completed" | "partial" | "cancelled"): SseMessage[] {
  if (completed?.kind !== "answer.completed") throw new Error("the story has another end");
  const body = answerBody(
    completed,
    {
      ...{ jobId: id, status, model: "demo", modelDigest: null, digest: null },
      ...{ numerics: null, restarts: 0 },
      ...{ createdAt: 0, endedAt: 1, error: null, warnings: [] },
    },
    ZERO,
  );
  const end = { event: `answer.${status}`, data: JSON.stringify(body), id: `${id}.3` };
  return [...story.slice(0, 3).map((event) => eventMessage(event, id)), end];
}

const messages = messagesEnding("completed");

/** The same answer, begun by a function of another class of arithmetic that died behind its first step. */
export const restartedMessages: readonly SseMessage[] = anew();

function anew(): SseMessage[] {
  const [started, first, second] = story;
  const end = messages[3];
  if (started?.kind !== "answer.started" || first?.kind !== "answer.frame" || end === undefined)
    throw new Error("the story has another beginning");
  if (second?.kind !== "answer.frame") throw new Error("the story has one step");
  const { kind: _, ...begun } = started;
  const told = progressMessage(
    {
      ...{ ...begun, kind: "answer.restarted", restarts: 1, modelDigest: "ab".repeat(32) },
      previousNumerics: numerics.replace("cpu", "webgpu"),
    },
    id,
    1,
  );
  return [
    ...[started, first].map((event) => progressMessage(event, id, 0)),
    ...[told, progressMessage(first, id, 1), progressMessage(second, id, 1)],
    { ...end, id: `${id}.1003` },
  ];
}

/** An edge with one answer, whose connections are cut: the first after `cuts[0]` bytes, the next after `cuts[1]`, … */
export function servedAnswer(
  cuts: readonly number[],
  breaksOff = true,
  told: readonly SseMessage[] = messages,
): {
  readonly fetch: typeof fetch;
  /** All that an uncut stream sends. */
  readonly bytes: Uint8Array;
  whole(): Response;
  /** How often the question was asked. */
  asked(): number;
} {
  let connections = 0;
  let asked = 0;
  const reply = (after: number): Response => {
    const bytes = bytesOf(told.filter((message) => placeOf(message.id) > after));
    const cut = cuts[connections++];
    return streamOf(
      cut === undefined ? bytes : bytes.subarray(0, cut),
      cut !== undefined && breaksOff,
    );
  };
  return {
    bytes: bytesOf(told),
    whole: () => streamOf(bytesOf(told), false),
    asked: () => asked,
    fetch: async (input, init) => {
      if (!String(input).endsWith("/events")) {
        asked++;
        return reply(-1);
      }
      const last = new Headers(init?.headers).get("last-event-id");
      return reply(last === null ? -1 : placeOf(last));
    },
  };
}

function placeOf(eventId = ""): number {
  return Number(eventId.slice(eventId.lastIndexOf(".") + 1));
}

/** A stream of an answer that ends so, once `when` has come. */
export function ended(
  status: "completed" | "partial" | "cancelled",
  when: Promise<void> = Promise.resolve(),
): Response {
  const all = messagesEnding(status);
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(bytesOf(all.slice(0, 3)));
      await when;
      controller.enqueue(bytesOf(all.slice(3)));
      controller.close();
    },
  });
  return new Response(body, { headers: headersOf() });
}

function bytesOf(some: readonly SseMessage[]): Uint8Array {
  return new TextEncoder().encode(some.map(encodeSse).join(""));
}

function streamOf(bytes: Uint8Array, breaksOff: boolean): Response {
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      bytes = bytes.subarray(bytes.length);
      if (breaksOff) controller.error(new TypeError("terminated"));
      else controller.close();
    },
  });
  return new Response(body, { headers: headersOf() });
}

function headersOf(): Record<string, string> {
  return { "content-type": "text/event-stream", location: `/v1/answers/${id}` };
}
