import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { listen, type TestServer } from "./test-server.ts";

/** What can befall one answer of an object store on its way. Bytes count within the body of that answer. */
export type Fault =
  | { readonly kind: "status"; readonly status: number; readonly code: string }
  /** The server has a shorter object, and says so consistently. */
  | { readonly kind: "wrong-length"; readonly missingBytes: number }
  | { readonly kind: "bit-flip"; readonly byte: number }
  /** The body ends early and politely. */
  | { readonly kind: "truncate"; readonly afterBytes: number }
  /** The connection breaks. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** The connection stays open and silent. */
  | { readonly kind: "stall"; readonly afterBytes: number }
  /** The whole object with status 200, whatever range was asked for. */
  | { readonly kind: "ignore-range" }
  /** Another object under the same key: other bytes, other ETag. */
  | { readonly kind: "replaced" };

export interface FaultProxy extends TestServer {
  /** Lets the next answers to GETs whose path contains `path` suffer these faults, in order, one each; undefined lets one pass. */
  inject(path: string, ...faults: (Fault | undefined)[]): void;
  /** Paths of all GETs so far, in order, with the range that was asked for. */
  readonly gets: { readonly path: string; readonly range: string | undefined }[];
  /** Faults that have been injected and have not befallen anything yet. */
  pending(): number;
}

/** Stands between a client and an HTTP origin, and spoils what it is told to. Signed requests pass: the Host stays the client's. */
export async function startFaultProxy(upstream: string): Promise<FaultProxy> {
  const queues: { path: string; faults: (Fault | undefined)[] }[] = [];
  const gets: { path: string; range: string | undefined }[] = [];
  const nextFault = (request: IncomingMessage): Fault | undefined => {
    const queue = queues.find(
      ({ path, faults }) => faults.length > 0 && request.url?.includes(path),
    );
    return request.method === "GET" ? queue?.faults.shift() : undefined;
  };
  const server = createServer((request, response) => {
    if (request.method === "GET") {
      gets.push({ path: request.url ?? "", range: request.headers.range });
    }
    relay(upstream, request, response, nextFault(request)).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  return {
    ...(await listen(server)),
    gets,
    inject: (path, ...faults) => {
      queues.push({ path, faults });
    },
    pending: () => queues.reduce((total, { faults }) => total + faults.length, 0),
  };
}

async function relay(
  upstream: string,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  if (fault?.kind === "status") return refuse(response, fault.status, fault.code);
  const headers = { ...request.headers };
  if (fault?.kind === "ignore-range") delete headers.range;
  const answer = await forward(upstream, request, headers);
  const { body } = answer;
  const replyHeaders: IncomingHttpHeaders = { ...answer.headers };
  switch (fault?.kind) {
    case "wrong-length":
      return reply(
        response,
        answer.status,
        shorten(replyHeaders, fault.missingBytes),
        body.subarray(0, -fault.missingBytes),
      );
    case "bit-flip":
      body[fault.byte] = (body[fault.byte] ?? 0) ^ 0x10;
      break;
    case "replaced":
      replyHeaders.etag = '"another"';
      for (const [index, byte] of body.entries()) body[index] = byte ^ 0xff;
      break;
    case "truncate":
      delete replyHeaders["content-length"]; // chunked: the end is where it ends
      return reply(response, answer.status, replyHeaders, body.subarray(0, fault.afterBytes));
    case "cut":
    case "stall":
      response.writeHead(answer.status, replyHeaders);
      response.write(body.subarray(0, fault.afterBytes), () => {
        if (fault.kind === "cut") setTimeout(() => response.destroy(), 5); // after what was written has left
      });
      return;
  }
  reply(response, answer.status, replyHeaders, body);
}

function forward(
  upstream: string,
  request: IncomingMessage,
  headers: IncomingHttpHeaders,
): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      new URL(request.url ?? "/", upstream),
      { method: request.method, headers },
      async (incoming) => {
        try {
          const chunks: Buffer[] = [];
          for await (const chunk of incoming) chunks.push(chunk);
          const { statusCode = 500, headers: replied } = incoming;
          resolve({ status: statusCode, headers: replied, body: Buffer.concat(chunks) });
        } catch (error) {
          reject(error);
        }
      },
    );
    outgoing.on("error", reject);
    request.pipe(outgoing);
  });
}

function reply(
  response: ServerResponse,
  status: number,
  headers: IncomingHttpHeaders,
  body: Uint8Array,
): void {
  response.writeHead(status, headers);
  response.end(body);
}

function shorten(headers: IncomingHttpHeaders, missingBytes: number): IncomingHttpHeaders {
  const length = Number(headers["content-length"]) - missingBytes;
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers["content-range"] ?? "");
  return {
    ...headers,
    "content-length": String(length),
    ...(range === null
      ? {}
      : {
          "content-range": `bytes ${range[1]}-${Number(range[2]) - missingBytes}/${Number(range[3]) - missingBytes}`,
        }),
  };
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
  );
}
