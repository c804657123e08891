import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type HubFault,
  type HubRequest,
  note,
  type Shelf,
  type StandInRepository,
  serveHub,
  serveStored,
} from "./hub-replies.ts";
import type { RepositoryFiles } from "./published-checkpoint.ts";
import { listen } from "./test-server.ts";

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

/**
 * A model hub as far as loading a model needs one: describes revisions, serves small files by way of a cache of its own, and sends
 * on to signed addresses of a storage on another origin for large ones. It says size and content of those in headers of its own, and
 * refuses in the hub's own terms. Source: https://huggingface.co/docs/hub/api; huggingface_hub, `hf_raise_for_status`.
 */
export async function startStandInHub(
  repositories: Readonly<Record<string, StandInRepository>>,
  port = 0,
): Promise<StandInHub> {
  const queues: { path: string; faults: (HubFault | undefined)[] }[] = [];
  const asked: HubRequest[] = [];
  const fetched: HubRequest[] = [];
  const shelf: Shelf = {
    ...{ repositories, commits: new Map(), branches: new Map(), signatures: new Map() },
    ...{ storage: "", signed: 0, usesOfSignature: Number.POSITIVE_INFINITY, thinksMs: 0 },
    takeFault: (path) =>
      queues.find((queue) => queue.faults.length > 0 && path.includes(queue.path))?.faults.shift(),
  };
  const push = (id: string, revision: string, files: RepositoryFiles): void => {
    const commit = commitName(files);
    shelf.commits.set(`${id}@${commit}`, new Map(files));
    shelf.branches.set(`${id}@${revision}`, commit);
  };
  for (const [id, { revisions }] of Object.entries(repositories))
    for (const [revision, files] of Object.entries(revisions)) push(id, revision, files);

  const storage = await listen(
    createServer(async (request, response) => {
      fetched.push(note(request));
      if (shelf.thinksMs > 0) await sleep(shelf.thinksMs);
      serveStored(shelf, request, response);
    }),
  );
  shelf.storage = storage.origin;
  const hub = await listen(
    createServer((request, response) => {
      asked.push(note(request));
      serveHub(shelf, request, response);
    }),
    port,
  );
  const commitOf = (id: string, revision: string): string =>
    shelf.branches.get(`${id}@${revision}`) ?? "";
  return {
    ...{ origin: hub.origin, storage: storage.origin, asked, fetched, push, commitOf },
    inject: (path, ...faults) => void queues.push({ path, faults }),
    expire: () => shelf.signatures.clear(),
    expireAfter(requests) {
      shelf.usesOfSignature = requests;
    },
    delay(milliseconds) {
      shelf.thinksMs = milliseconds;
    },
    replace(id, revision, name, bytes) {
      shelf.commits.get(`${id}@${commitOf(id, revision)}`)?.set(name, bytes);
    },
    async close() {
      await Promise.all([hub.close(), storage.close()]);
    },
  };
}

function commitName(files: RepositoryFiles): string {
  const hash = createHash("sha1");
  for (const [name, bytes] of files) hash.update(name).update(bytes);
  return hash.digest("hex");
}
