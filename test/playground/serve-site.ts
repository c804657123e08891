import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { HEADERS_FILE } from "../../infra/site/headers.ts";
import { SITE_FOLDER } from "../../infra/site/site.ts";

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** The built site's files at the addresses that they have at the edge, under the same policy: pages that need no API. */
export async function serveSite(): Promise<AsyncDisposable & { readonly url: string }> {
  const policy = /Content-Security-Policy: (.*)/.exec(HEADERS_FILE)?.[1] ?? "";
  const server = createServer(({ url = "/" }, reply) => {
    const { pathname } = new URL(url, "http://site.test");
    const file = [pathname, `${pathname}.html`, `${pathname}/index.html`]
      .map((name) => path.join(SITE_FOLDER, name))
      .find((name) => existsSync(name) && statSync(name).isFile());
    if (file === undefined) {
      reply.writeHead(404).end();
      return;
    }
    const type = types[path.extname(file)] ?? "application/octet-stream";
    reply.writeHead(200, { "content-type": type, "content-security-policy": policy });
    reply.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
