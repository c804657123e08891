import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { RepositoryFiles } from "./published-checkpoint.ts";
import { listen } from "./test-server.ts";

/** A repository of the stand-in hub. */
export interface StandInRepository {
  /** Files by branch or tag; each has a commit of its own, which is named by its contents. */
  readonly revisions: Readonly<Record<string, RepositoryFiles>>;
  /** `gated`: its description is public, its files are for accounts with access. `private`: it is not there for anybody else. */
  readonly access?: "public" | "gated" | "private";
}

/** What befalls a request in place of its answer. */
export type HubFault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The body breaks off behind so many bytes. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** The whole file with status 200, whatever range was asked for. */
  | { readonly kind: "ignore-range" }
  /** Nothing is ever said. */
  | { readonly kind: "silence" };

/** A request as it came. */
export interface HubRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

export interface StandInHub {
  /** `http://127.0.0.1:port`, for `HF_ENDPOINT`. */
  readonly origin: string;
  /** The storage's, to which large files are sent on. */
  readonly storage: string;
  /** Requests to the hub itself, and to its storage, in order. */
  readonly asked: HubRequest[];
  readonly fetched: HubRequest[];
  /** Lets the next requests whose path contains `path` meet these faults, one each; undefined lets one pass. */
  inject(path: string, ...faults: (HubFault | undefined)[]): void;
  /** From now on no address that was given out is good any more. */
  expire(): void;
  /** Lets every address be good for so many requests. */
  expireAfter(requests: number): void;
  /** Lets the storage think for so long before it answers. */
  delay(milliseconds: number): void;
  /** Moves a revision: the same name is another commit. */
  push(id: string, revision: string, files: RepositoryFiles): void;
  /** Replaces a file under its commit, as no hub should. */
  replace(id: string, revision: string, name: string, bytes: Uint8Array<ArrayBuffer>): void;
  commitOf(id: string, revision: string): string;
  close(): Promise<void>;
}

/** The one token that has access to everything; `STRANGER` is an account without. */
export const STAND_IN_TOKEN = "hf_standin";
const STRANGER = "hf_stranger";

/** A file from this size on lies in the storage, as Git LFS's do. */
const STORED_BYTES = 4096;

/**
 * A model hub as far as loading a model needs one: describes revisions, serves small files by way of a cache of its own, and sends
 * on to signed addresses of a storage on another origin for large ones. It says size and content of those in headers of its own, and
 * refuses in the hub's own terms. Source: https://huggingface.co/docs/hub/api; huggingface_hub, `hf_raise_for_status`.
 */
export async function startStandInHub(
  repositories: Readonly<Record<string, StandInRepository>>,
  port = 0,
): Promise<StandInHub> {
  const commits = new Map<string, Map<string, Uint8Array<ArrayBuffer>>>();
  const branches = new Map<string, string>();
  const signatures = new Map<string, { key: string; left: number }>();
  const queues: { path: string; faults: (HubFault | undefined)[] }[] = [];
  const asked: HubRequest[] = [];
  const fetched: HubRequest[] = [];
  let uses = Number.POSITIVE_INFINITY;
  let signed = 0;
  let thinksMs = 0;

  const push = (id: string, revision: string, files: RepositoryFiles): void => {
    const commit = commitName(files);
    commits.set(`${id}@${commit}`, new Map(files));
    branches.set(`${id}@${revision}`, commit);
  };
  for (const [id, { revisions }] of Object.entries(repositories))
    for (const [revision, files] of Object.entries(revisions)) push(id, revision, files);

  const faultFor = (path: string): HubFault | undefined =>
    queues.find((queue) => queue.faults.length > 0 && path.includes(queue.path))?.faults.shift();

  const refuse = (response: ServerResponse, status: number, code: string, says: string): void => {
    response.writeHead(status, { "x-error-code": code, "x-error-message": says }).end(says);
  };

  /** Says whether whoever asks may have what lies under the id, and answers if not. */
  const mayRead = (
    request: IncomingMessage,
    response: ServerResponse,
    id: string,
    part: "api" | "files",
  ): boolean => {
    const token = request.headers.authorization?.replace(/^Bearer /, "");
    if (token !== undefined && token !== STAND_IN_TOKEN && token !== STRANGER) {
      response
        .writeHead(401, { "x-error-message": "Invalid credentials in Authorization header" })
        .end();
      return false;
    }
    const access = repositories[id]?.access ?? "public";
    const isThere =
      repositories[id] !== undefined && (access !== "private" || token === STAND_IN_TOKEN);
    if (!isThere) {
      refuse(response, token === undefined ? 401 : 404, "RepoNotFound", "Repository not found");
      return false;
    }
    if (access === "gated" && part === "files" && token !== STAND_IN_TOKEN) {
      const says = `Access to model ${id} is restricted.`;
      refuse(response, token === undefined ? 401 : 403, "GatedRepo", says);
      return false;
    }
    return true;
  };

  const describe = (
    request: IncomingMessage,
    response: ServerResponse,
    id: string,
    revision: string,
  ): void => {
    if (!mayRead(request, response, id, "api")) return;
    const commit = commits.has(`${id}@${revision}`) ? revision : branches.get(`${id}@${revision}`);
    const files = commits.get(`${id}@${commit}`);
    if (files === undefined) {
      refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
      return;
    }
    const siblings = [...files.keys()].map((rfilename) => ({ rfilename }));
    response.writeHead(200, { "content-type": "application/json; charset=utf-8" });
    response.end(JSON.stringify({ id, modelId: id, sha: commit, private: false, siblings }));
  };

  const resolve = (request: IncomingMessage, response: ServerResponse, at: FileAddress): void => {
    const { id, commit, name, isCached } = at;
    if (!mayRead(request, response, id, "files")) return;
    const bytes = commits.get(`${id}@${commit}`)?.get(name);
    if (bytes === undefined) {
      refuse(response, 404, "EntryNotFound", "Entry not found");
      return;
    }
    const linked = {
      "x-repo-commit": commit,
      "x-linked-size": String(bytes.byteLength),
      "x-linked-etag": `"${sha256(bytes)}"`,
    };
    if (bytes.byteLength >= STORED_BYTES) {
      const signature = `secret${++signed}`;
      signatures.set(signature, { key: `${id}@${commit}/${name}`, left: uses });
      const location = `${storage.origin}/blobs/${sha256(bytes)}?Signature=${signature}&Expires=1`;
      response.writeHead(302, { ...linked, location }).end();
    } else if (isCached) {
      sendRange(bytes, request, response, { etag: `"${sha256(bytes).slice(0, 40)}"` });
    } else {
      const location = `/api/resolve-cache/models/${id}/${commit}/${name}`;
      response.writeHead(307, { ...linked, location }).end();
    }
  };

  const hub = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://hub");
    asked.push(note(request, pathname));
    const fault = faultFor(pathname);
    if (fault?.kind === "silence") return;
    if (fault?.kind === "status")
      return void response.writeHead(fault.status, fault.headers).end("a fault");
    const revision = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/([^/]+)$/.exec(pathname);
    if (revision !== null)
      return describe(request, response, revision[1] ?? "", decodeURIComponent(revision[2] ?? ""));
    const file = fileAddress(pathname);
    if (file === undefined) response.writeHead(404).end("not found");
    else resolve(request, response, file);
  });

  const storage = await listen(
    createServer(async (request, response) => {
      if (thinksMs > 0) await sleep(thinksMs);
      const url = new URL(request.url ?? "/", "http://storage");
      fetched.push(note(request, url.pathname));
      const given = signatures.get(url.searchParams.get("Signature") ?? "");
      if (given === undefined || given.left <= 0)
        return void response
          .writeHead(403)
          .end("<Error><Message>Request has expired</Message></Error>");
      given.left -= 1;
      const [repository = "", ...name] = given.key.split(/(?<=@[0-9a-f]{40})\//);
      const bytes = commits.get(repository)?.get(name.join("/"));
      if (bytes === undefined) return void response.writeHead(404).end();
      sendRange(bytes, request, response, { etag: '"of-the-storage"' }, faultFor(given.key));
    }),
  );
  const server = await listen(hub, port);
  return {
    origin: server.origin,
    storage: storage.origin,
    asked,
    fetched,
    inject: (path, ...faults) => void queues.push({ path, faults }),
    delay: (milliseconds) => {
      thinksMs = milliseconds;
    },
    expire: () => signatures.clear(),
    expireAfter: (requests) => {
      uses = requests;
    },
    push,
    replace(id, revision, name, bytes) {
      commits.get(`${id}@${branches.get(`${id}@${revision}`)}`)?.set(name, bytes);
    },
    commitOf: (id, revision) => branches.get(`${id}@${revision}`) ?? "",
    async close() {
      await Promise.all([server.close(), storage.close()]);
    },
  };
}

interface FileAddress {
  readonly id: string;
  readonly commit: string;
  readonly name: string;
  /** Asked for at the hub's own cache. */
  readonly isCached: boolean;
}

function fileAddress(pathname: string): FileAddress | undefined {
  const cached = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([0-9a-f]{40})\/(.+)$/.exec(
    pathname,
  );
  const plain = /^\/([^/]+\/[^/]+)\/resolve\/([0-9a-f]{40})\/(.+)$/.exec(pathname);
  const [, id = "", commit = "", name = ""] = cached ?? plain ?? [];
  return id === "" ? undefined : { id, commit, name, isCached: cached !== null };
}

function sendRange(
  bytes: Uint8Array,
  request: IncomingMessage,
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  fault?: HubFault,
): void {
  if (fault?.kind === "silence") return;
  if (fault?.kind === "status") {
    response.writeHead(fault.status, fault.headers).end("a fault");
    return;
  }
  const wanted =
    fault?.kind === "ignore-range" ? null : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const start = wanted === null ? 0 : Number(wanted[1]);
  const part = wanted === null ? bytes : bytes.subarray(start, Number(wanted[2]) + 1);
  response.writeHead(wanted === null ? 200 : 206, {
    ...headers,
    "content-length": part.byteLength,
    ...(wanted === null
      ? {}
      : { "content-range": `bytes ${start}-${start + part.byteLength - 1}/${bytes.byteLength}` }),
  });
  if (fault?.kind !== "cut") {
    response.end(part);
    return;
  }
  response.write(part.subarray(0, fault.afterBytes), () => {
    setTimeout(() => response.destroy(), 5); // after what was written has left
  });
}

function note(request: IncomingMessage, path: string): HubRequest {
  const { range, authorization } = request.headers;
  return { path, range, authorization };
}

function commitName(files: RepositoryFiles): string {
  const hash = createHash("sha1");
  for (const [name, bytes] of files) hash.update(name).update(bytes);
  return hash.digest("hex");
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
