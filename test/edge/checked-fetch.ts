import { env, exports } from "cloudflare:workers";
import { bodyText, type Exchange, type Told } from "../openapi/exchange.ts";

/**
 * Sends a request to the Worker, and holds request and reply against the API's description, both ways. Throws Error where
 * they disagree. Bodies that are streams are not waited for: their events are checked when they have ended, and where one
 * is not as described, reading them rejects.
 */
export async function checkedFetch(url: string, init: RequestInit): Promise<Response> {
  const request = await sentBody(url, init);
  const { reply, response } = await readReply(await exports.default.fetch(url, init));
  const { pathname, search } = new URL(url);
  const exchange: Exchange = {
    method: init.method ?? "GET",
    target: `${pathname}${search}`,
    request,
    status: response.status,
    reply,
  };
  await check(exchange);
  return reply.isStream ? checkedStream(response, exchange) : response;
}

async function check(exchange: Exchange): Promise<void> {
  const checked = await env.TEST_CONTRACT.fetch("https://contract.test/", {
    method: "POST",
    body: JSON.stringify(exchange),
  });
  const disagreements: string[] = await checked.json();
  if (disagreements.length > 0)
    throw new Error(`the API's description disagrees:\n${disagreements.join("\n")}`);
}

/** The same reply, whose events are checked where it ends; a stream that a test leaves is not. */
function checkedStream(response: Response, exchange: Exchange): Response {
  const told: Uint8Array[] = [];
  const body = response.body?.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        told.push(chunk);
        controller.enqueue(chunk);
      },
      async flush() {
        const bytes = await new Response(new Blob(told)).bytes();
        await check({ ...exchange, reply: { ...exchange.reply, body: bodyText(bytes) } });
      },
    }),
  );
  return new Response(body ?? null, response);
}

/** Gives the check the document to check against. */
export async function bringContract(): Promise<void> {
  const response = await exports.default.fetch("https://unmask.test/openapi.json");
  const body = await response.text();
  await env.TEST_CONTRACT.fetch("https://contract.test/", { method: "PUT", body });
}

/**
 * Beyond this a body is mostly a picture, of which the description says nothing: it is not held against it, as little as a stream is.
 * As text in JSON to another process, its check took ten times the request's time.
 */
const MAX_CHECKED_BYTES = 1_000_000;

async function sentBody(url: string, { signal: _, ...init }: RequestInit): Promise<Told> {
  if (init.body instanceof ReadableStream) {
    const headers = Object.fromEntries(new Headers(init.headers));
    return { headers, body: null, isStream: true };
  }
  // A form is written with another boundary each time, and so read from what names it.
  const copy = new Request(url, init);
  const bytes = copy.body === null ? null : await copy.bytes();
  if (bytes !== null && bytes.length > MAX_CHECKED_BYTES)
    return { headers: Object.fromEntries(copy.headers), body: null, isStream: true };
  return await toldOf(copy.headers, bytes);
}

async function readReply(
  response: Response,
): Promise<{ readonly reply: Told; readonly response: Response }> {
  const { status, headers, body } = response;
  const isStream = headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (isStream) {
    const reply = { headers: Object.fromEntries(headers), body: null, isStream };
    return { reply, response };
  }
  const bytes = body === null ? null : await response.bytes();
  return {
    reply: await toldOf(headers, bytes?.length === 0 ? null : bytes),
    response: new Response(bytes, { status, headers }),
  };
}

async function toldOf(headers: Headers, bytes: Uint8Array | null): Promise<Told> {
  return {
    headers: Object.fromEntries(headers),
    body: bytes === null ? null : bodyText(bytes),
    isStream: false,
  };
}
