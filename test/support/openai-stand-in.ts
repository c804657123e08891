import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** A question as an endpoint of OpenAI's form was asked it. */
export interface StandInQuestion {
  readonly wire: "chat" | "responses";
  readonly model: string;
  /** Texts of the messages, in their order. */
  readonly texts: readonly string[];
  /** Data URIs of the pictures, in their order. */
  readonly pictures: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: IncomingHttpHeaders;
}

/** What it says: a text, written as an answer of the form in which it was asked, or a reply as it stands. */
export type StandInAnswer =
  | string
  | {
      readonly text: string | null;
      readonly finish?: "stop" | "length" | "content_filter";
      readonly refusal?: string;
      readonly logprobs?: readonly number[];
    }
  | Response;

export interface OpenAiStandIn extends AsyncDisposable {
  /** Up to and with `/v1`. */
  readonly url: string;
  readonly questions: readonly StandInQuestion[];
}

/**
 * A server of OpenAI's form on loopback, for whoever is to be compared with us: what answers is a function, be it a table, or a model
 * in another process. Every answer is said to have taken 100 tokens in, and 10 out.
 */
export async function openAiStandIn(
  answer: (question: StandInQuestion) => StandInAnswer | Promise<StandInAnswer>,
): Promise<OpenAiStandIn> {
  const questions: StandInQuestion[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const path = incoming.url ?? "";
    const body: Record<string, unknown> = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const wire = path.endsWith("/responses") ? "responses" : "chat";
    const question = questionOf(wire, body, incoming.headers);
    questions.push(question);
    const said = await answer(question);
    const response = said instanceof Response ? said : Response.json(replyOf(wire, said));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    questions,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Part = Readonly<Record<string, unknown>>;

function questionOf(
  wire: StandInQuestion["wire"],
  body: Record<string, unknown>,
  headers: IncomingHttpHeaders,
): StandInQuestion {
  const messages = (body[wire === "chat" ? "messages" : "input"] ?? []) as {
    readonly content: string | readonly Part[];
  }[];
  const parts = messages.map(({ content }): readonly Part[] =>
    typeof content === "string" ? [{ text: content }] : content,
  );
  return {
    wire,
    model: String(body["model"]),
    texts: parts.map((of) =>
      of.flatMap(({ text }) => (typeof text === "string" ? [text] : [])).join(""),
    ),
    pictures: parts.flat().flatMap(({ image_url: shown }) => {
      const url = typeof shown === "string" ? shown : (shown as { url?: string } | undefined)?.url;
      return url === undefined ? [] : [url];
    }),
    body,
    headers,
  };
}

function replyOf(wire: StandInQuestion["wire"], said: Exclude<StandInAnswer, Response>): unknown {
  const {
    text,
    finish = "stop",
    refusal,
    logprobs,
  } = typeof said === "string" ? { text: said } : { ...said };
  const probabilities = logprobs?.map((logprob) => ({ token: "", logprob }));
  if (wire === "chat")
    return {
      object: "chat.completion",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: text, refusal: refusal ?? null },
          finish_reason: finish,
          logprobs: probabilities === undefined ? null : { content: probabilities },
        },
      ],
      usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
    };
  const content =
    refusal === undefined
      ? { type: "output_text", text, annotations: [], logprobs: probabilities ?? [] }
      : { type: "refusal", refusal };
  const reason = { length: "max_output_tokens", content_filter: "content_filter", stop: null }[
    finish
  ];
  return {
    object: "response",
    status: reason === null ? "completed" : "incomplete",
    incomplete_details: reason === null ? null : { reason },
    output: [
      { type: "reasoning", summary: [] },
      { type: "message", role: "assistant", content: [content] },
    ],
    usage: { input_tokens: 100, output_tokens: 10, total_tokens: 110 },
  };
}
