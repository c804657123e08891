import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { ObjectStore } from "#weights/object-store.ts";
import { collect } from "#weights/source.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { listen, type TestServer } from "./test-server.ts";

/**
 * Serves a store's objects as an S3 server would: GET and HEAD under `/bucket/key`, ranges, ETag, If-Match. Signatures are
 * not looked at; what must be checked against a real server runs against one (`local-r2.ts`).
 */
export async function serveObjects(store: ObjectStore, bucket = "models"): Promise<TestServer> {
  return listen(
    createServer((request, response) => {
      answer(store, bucket, request, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : new Error(String(error)));
      });
    }),
  );
}

async function answer(
  store: ObjectStore,
  bucket: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://store");
  const key = decodeURIComponent(pathname).replace(`/${bucket}/`, "");
  const head = await store.head(key);
  if (head === undefined) return refuse(response, 404, "NoSuchKey");
  const wanted = request.headers["if-match"];
  if (wanted !== undefined && wanted !== head.etag)
    return refuse(response, 412, "PreconditionFailed");
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const start = range === null ? 0 : Number(range[1]);
  const end = range === null ? head.bytes : Math.min(head.bytes, Number(range[2]) + 1);
  if (range !== null && start >= head.bytes) return refuse(response, 416, "InvalidRange");
  response.writeHead(range === null ? 200 : 206, {
    "content-length": end - start,
    etag: head.etag,
    ...(range === null ? {} : { "content-range": `bytes ${start}-${end - 1}/${head.bytes}` }),
  });
  if (request.method === "HEAD" || end === start) {
    response.end();
    return;
  }
  try {
    const { chunks } = await store.get(key, { range: { offset: start, bytes: end - start } });
    response.end(await collect(chunks, end - start));
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    response.destroy(error);
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
  );
}
