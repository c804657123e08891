import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen, type TestServer } from "./test-server.ts";

/** What a hub does to one request instead of serving it. */
export interface HubFault {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Hub extends TestServer {
  /** Paths of all requests to the hub itself, in order. */
  readonly asked: string[];
  /** The request with this number, from 0, meets the fault. */
  failAt(number: number, fault: HubFault): void;
  /** The next addresses that the hub sends on to have expired: this many of them. */
  expireNext(count: number): void;
}

/**
 * Serves files as a model hub does: every one by a redirect to a signed address, which is good once it was given out and
 * refused with 403 where it has expired. The signature is the word "secret" and a number.
 */
export async function startHub(files: Readonly<Record<string, Uint8Array>>): Promise<Hub> {
  const asked: string[] = [];
  const faults = new Map<number, HubFault>();
  const expired = new Set<string>();
  let signatures = 0;
  let toExpire = 0;
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://hub");
    const name = pathname.split("/").at(-1) ?? "";
    const bytes = files[name];
    if (pathname.startsWith("/signed/")) {
      if (expired.has(searchParams.get("signature") ?? "") || bytes === undefined)
        response.writeHead(403).end("<Error><Message>Request has expired</Message></Error>");
      else sendRange(bytes, request.headers.range, response);
      return;
    }
    const fault = faults.get(asked.push(pathname) - 1);
    if (fault !== undefined) {
      response.writeHead(fault.status, fault.headers).end(fault.body);
    } else if (bytes === undefined) {
      response.writeHead(404).end();
    } else {
      const signature = `secret${++signatures}`;
      if (toExpire-- > 0) expired.add(signature);
      response.writeHead(302, { location: `/signed/${name}?signature=${signature}` }).end();
    }
  };
  return {
    ...(await listen(createServer(serve))),
    asked,
    failAt: (number, fault) => {
      faults.set(number, fault);
    },
    expireNext: (count) => {
      toExpire = count;
    },
  };
}

function sendRange(bytes: Uint8Array, range: string | undefined, response: ServerResponse): void {
  const wanted = /^bytes=(\d+)-(\d+)$/.exec(range ?? "");
  if (wanted === null) {
    response.writeHead(200, { "content-length": bytes.byteLength }).end(bytes);
    return;
  }
  const part = bytes.subarray(Number(wanted[1]), Number(wanted[2]) + 1);
  response.writeHead(206, {
    "content-length": part.byteLength,
    "content-range": `bytes ${wanted[1]}-${Number(wanted[1]) + part.byteLength - 1}/${bytes.byteLength}`,
  });
  response.end(part);
}
