import { decodeSse } from "#wire/codec/sse.ts";
import type { ResponseBody } from "#wire/compatible/responses/response-reply.ts";
import { responseSchema } from "#wire/compatible/responses/response-schema.ts";
import { story } from "../../../../support/edge-builders.ts";
import { ask, eventReply } from "../../../function-double.ts";
import { pngUri, post } from "../../compatible-calls.ts";

export const path = "/v1/responses";

export const picture = { type: "input_image", image_url: pngUri, detail: "auto" } as const;

/** A response about a picture; another `question` is another answer. */
export function asking(question = "What is this?", overrides: object = {}): object {
  const content = [{ type: "input_text", text: question }, picture];
  return { input: [{ role: "user", content }], max_output_tokens: 4, ...overrides };
}

export async function create(body: object, headers: HeadersInit = {}): Promise<ResponseBody> {
  const response = await post(path, body, headers);
  return responseSchema.parse(await response.json());
}

export async function show(id: string, headers: HeadersInit = {}): Promise<Response> {
  return await ask(`${path}/${id}`, { headers });
}

/** An event of a streamed response. */
export interface ToldEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly delta?: string;
  readonly text?: string;
  readonly response?: ResponseBody;
}

/** The events of a streamed response, each under its own name. */
export async function eventsOf(response: Response): Promise<ToldEvent[]> {
  if (response.body === null) throw new Error("the reply has no body");
  const events: ToldEvent[] = [];
  for await (const { event, data } of decodeSse(response.body)) {
    const told = JSON.parse(data) as ToldEvent;
    if (told.type !== event) throw new Error(`${told.type} is told as ${event}`);
    events.push(told);
  }
  return events;
}

/** A function that begins an answer, and goes on only until it is told to stop. */
export function waitingReply(signal: AbortSignal): Response {
  const told = eventReply(story.slice(0, 1));
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  void told.body!.pipeTo(writable, { preventClose: true, signal }).catch(() => undefined);
  signal.addEventListener("abort", () => void writable.abort(signal.reason).catch(() => undefined));
  return new Response(readable, told);
}
