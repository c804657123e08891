import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen, type TestServer } from "./test-server.ts";

/** How a stand-in index behaves; what is left out is a good one that speaks JSON. */
export interface IndexManners {
  readonly form?: "json" | "html";
  /** Says these of every file instead of the truth. */
  readonly sha256?: string;
  /** Breaks off the first reply of a file after so many bytes. */
  readonly breaksAfter?: number;
  /** Answers the first request of a page so. */
  readonly firstStatus?: number;
  /** Asks for this user and password. */
  readonly secret?: string;
  /** Sends this instead of a page. */
  readonly page?: string;
}

export interface StandInIndex extends TestServer {
  /** As pip's --index-url takes it. */
  readonly address: string;
  /** What was asked, as "GET /path" and the range. */
  readonly asked: readonly string[];
}

/** Serves wheels as a package index does: a page for each project, and files with ranges beside them. */
export async function standInIndex(
  wheels: Readonly<Record<string, Uint8Array>>,
  manners: IndexManners = {},
): Promise<StandInIndex> {
  const asked: string[] = [];
  const seen = new Set<string>();
  const isFirst = (what: string): boolean => {
    if (seen.has(what)) return false;
    seen.add(what);
    return true;
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://index");
    asked.push(
      `${request.method} ${pathname}${request.headers.range === undefined ? "" : ` ${request.headers.range}`}`,
    );
    const wanted = `Basic ${Buffer.from(manners.secret ?? "").toString("base64")}`;
    if (manners.secret !== undefined && request.headers.authorization !== wanted) {
      response.writeHead(401).end();
      return;
    }
    const [, project] = /^\/simple\/([a-z0-9-]+)\/$/.exec(pathname) ?? [];
    if (project !== undefined) {
      if (manners.firstStatus !== undefined && isFirst(pathname)) {
        response.writeHead(manners.firstStatus).end();
        return;
      }
      sendPage(response, project, wheels, manners);
      return;
    }
    const wheel = wheels[pathname.split("/").at(-1) ?? ""];
    sendFile(request, response, wheel, manners, isFirst);
  });
  const { origin, close } = await listen(server);
  return { origin, close, address: `${origin}/simple`, asked };
}

function sendPage(
  response: ServerResponse,
  project: string,
  wheels: Readonly<Record<string, Uint8Array>>,
  { form = "json", sha256, page }: IndexManners,
): void {
  const names = Object.keys(wheels).filter((name) =>
    name.startsWith(`${project.replaceAll("-", "_")}-`),
  );
  if (names.length === 0 && page === undefined) {
    response.writeHead(404).end();
    return;
  }
  const files = names.map((filename) => ({
    filename,
    url: `../../files/${filename}`,
    hashes: {
      sha256:
        sha256 ??
        createHash("sha256")
          .update(wheels[filename] ?? "")
          .digest("hex"),
    },
  }));
  if (form === "json") {
    response.writeHead(200, { "content-type": "application/vnd.pypi.simple.v1+json" });
    response.end(page ?? JSON.stringify({ name: project, files }));
    return;
  }
  response.writeHead(200, { "content-type": "text/html" });
  const anchors = files.map(
    ({ filename, url, hashes }) =>
      `<a href="${url}#sha256=${hashes.sha256}" data-requires-python="&gt;=3.11">${filename}</a><br/>`,
  );
  response.end(page ?? `<!DOCTYPE html><html><body>${anchors.join("\n")}</body></html>`);
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array | undefined,
  { breaksAfter }: IndexManners,
  isFirst: (what: string) => boolean,
): void {
  if (bytes === undefined) {
    response.writeHead(404).end();
    return;
  }
  const [, from = "0", to = `${bytes.length - 1}`] =
    /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  const part = bytes.subarray(Number(from), Number(to) + 1);
  response.writeHead(206, {
    etag: '"one"',
    "content-length": part.length,
    "content-range": `bytes ${from}-${to}/${bytes.length}`,
  });
  // The first byte alone is how one asks for the size.
  if (breaksAfter !== undefined && part.length > 1 && isFirst(`broken ${request.url}`)) {
    response.write(part.subarray(0, breaksAfter), () => response.destroy());
    return;
  }
  response.end(part);
}
