import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { RepositoryFiles } from "./published-checkpoint.ts";

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

/** The one token that has access to everything; `STRANGER` is an account without. */
export const STAND_IN_TOKEN = "hf_standin";
const STRANGER = "hf_stranger";

/** A file from this size on lies in the storage, as Git LFS's do. */
const STORED_BYTES = 4096;

/** What the hub and its storage know. */
export interface Shelf {
  readonly repositories: Readonly<Record<string, StandInRepository>>;
  /** Files by `id@commit`, and commits by `id@revision`. */
  readonly commits: Map<string, Map<string, Uint8Array<ArrayBuffer>>>;
  readonly branches: Map<string, string>;
  /** What a signature opens: `id@commit/name`, and how often still. */
  readonly signatures: Map<string, { key: string; left: number }>;
  readonly takeFault: (path: string) => HubFault | undefined;
  storage: string;
  signed: number;
  usesOfSignature: number;
  thinksMs: number;
}

/** Answers as the hub itself. */
export function serveHub(shelf: Shelf, request: IncomingMessage, response: ServerResponse): void {
  const { path } = note(request);
  const fault = shelf.takeFault(path);
  if (fault?.kind === "silence") return;
  if (fault?.kind === "status") {
    response.writeHead(fault.status, fault.headers).end("a fault");
    return;
  }
  const [, id, revision] = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/([^/]+)$/.exec(path) ?? [];
  const file = fileAddress(path);
  const asked = id ?? file?.id ?? "";
  const refusal = refusalFor(shelf, request, asked, file === undefined ? "description" : "files");
  if (refusal !== undefined) refuse(response, ...refusal);
  else if (revision !== undefined) describe(shelf, response, asked, decodeURIComponent(revision));
  else if (file !== undefined) resolve(shelf, request, response, file);
  else response.writeHead(404).end("not found");
}

type Refusal = readonly [status: number, code: string | undefined, says: string];

/** Why whoever asks may not have what lies under the id; undefined if they may. */
function refusalFor(
  { repositories }: Shelf,
  request: IncomingMessage,
  id: string,
  part: "description" | "files",
): Refusal | undefined {
  const token = request.headers.authorization?.replace(/^Bearer /, "");
  if (token !== undefined && token !== STAND_IN_TOKEN && token !== STRANGER)
    return [401, undefined, "Invalid credentials in Authorization header"];
  const access = repositories[id]?.access ?? "public";
  const isSeen =
    repositories[id] !== undefined && (access !== "private" || token === STAND_IN_TOKEN);
  if (!isSeen) return [token === undefined ? 401 : 404, "RepoNotFound", "Repository not found"];
  if (access === "gated" && part === "files" && token !== STAND_IN_TOKEN)
    return [token === undefined ? 401 : 403, "GatedRepo", `Access to model ${id} is restricted.`];
  return undefined;
}

function refuse(response: ServerResponse, ...[status, code, says]: Refusal): void {
  const headers = {
    "x-error-message": says,
    ...(code === undefined ? {} : { "x-error-code": code }),
  };
  response.writeHead(status, headers).end(says);
}

function describe(
  { commits, branches }: Shelf,
  response: ServerResponse,
  id: string,
  revision: string,
): void {
  const sha = commits.has(`${id}@${revision}`) ? revision : branches.get(`${id}@${revision}`);
  const files = commits.get(`${id}@${sha}`);
  if (files === undefined) {
    refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    return;
  }
  const siblings = [...files.keys()].map((rfilename) => ({ rfilename }));
  response.writeHead(200, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify({ id, modelId: id, sha, private: false, siblings }));
}

/** Small files are sent on to a cache of the hub's own, large ones to the storage. */
function resolve(
  shelf: Shelf,
  request: IncomingMessage,
  response: ServerResponse,
  { id, commit, name, isCached }: FileAddress,
): void {
  const bytes = shelf.commits.get(`${id}@${commit}`)?.get(name);
  if (bytes === undefined) {
    refuse(response, 404, "EntryNotFound", "Entry not found");
    return;
  }
  const sha256 = sha256Of(bytes);
  if (isCached) {
    sendRange(bytes, request, response, { etag: `"${sha256.slice(0, 40)}"` });
    return;
  }
  const linked = {
    "x-repo-commit": commit,
    "x-linked-size": String(bytes.byteLength),
    "x-linked-etag": `"${sha256}"`,
  };
  if (bytes.byteLength < STORED_BYTES) {
    const location = `/api/resolve-cache/models/${id}/${commit}/${name}`;
    response.writeHead(307, { ...linked, location }).end();
    return;
  }
  shelf.signed += 1;
  const signature = `secret${shelf.signed}`;
  shelf.signatures.set(signature, {
    key: `${id}@${commit}/${name}`,
    left: shelf.usesOfSignature,
  });
  const location = `${shelf.storage}/blobs/${sha256}?Signature=${signature}&Expires=1`;
  response.writeHead(302, { ...linked, location }).end();
}

/** Answers as its storage. */
export function serveStored(
  shelf: Shelf,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { searchParams } = new URL(request.url ?? "/", "http://storage");
  const given = shelf.signatures.get(searchParams.get("Signature") ?? "");
  if (given === undefined || given.left <= 0) {
    response.writeHead(403).end("<Error><Message>Request has expired</Message></Error>");
    return;
  }
  given.left -= 1;
  const [repository = "", ...name] = given.key.split(/(?<=@[0-9a-f]{40})\//);
  const bytes = shelf.commits.get(repository)?.get(name.join("/"));
  if (bytes === undefined) response.writeHead(404).end();
  else
    sendRange(bytes, request, response, { etag: '"of-the-storage"' }, shelf.takeFault(given.key));
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

/** A request, for the record. */
export function note(request: IncomingMessage): HubRequest {
  const { range, authorization } = request.headers;
  return { path: new URL(request.url ?? "/", "http://hub").pathname, range, authorization };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
