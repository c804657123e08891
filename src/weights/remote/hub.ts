import * as z from "zod";
import type { CheckpointFolder } from "../checkpoint/checkpoint-folder.ts";
import { type FetchingOptions, storedCheckpoint } from "../checkpoint/stored-checkpoint.ts";
import { MAX_CHECKPOINT_JSON_BYTES, MAX_REPOSITORY_FILES } from "../limits.ts";
import { DEFAULT_RETRY_POLICY, firstContact, withRetries } from "../retries.ts";
import { WeightsError } from "../weights-error.ts";
import { httpStore, refusalOf } from "./http-store.ts";
import { hubRefusal } from "./hub-refusal.ts";
import { type HeadersFor, type Hop, walkOrigin } from "./redirects.ts";

/** The hub that is meant where nobody names a mirror (`HF_ENDPOINT`). */
export const DEFAULT_HUB = "https://huggingface.co";

/** A model hub, and who asks. */
export interface Hub {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** Sent to the hub's own origin alone. */
  readonly token?: string;
}

/** A repository as it stood at one commit: what is read from there never changes. */
export interface HubRevision {
  /** `org/name`. */
  readonly id: string;
  /** What was asked for: a branch, tag or commit. */
  readonly revision: string;
  /** 40 hex digits. */
  readonly commit: string;
  /** Paths of all files, where the hub lists them. */
  readonly files?: ReadonlySet<string>;
}

const COMMIT = /^[0-9a-f]{40}$/;

const revisionSchema = z.object({
  sha: z.string().regex(COMMIT),
  siblings: z
    .array(z.object({ rfilename: z.string().max(1024) }))
    .max(MAX_REPOSITORY_FILES)
    .optional(),
});

/**
 * Asks a hub which commit a revision is, so that every file is read from the same state of the repository.
 * Throws WeightsError: `repository_missing`, `repository_gated`, `revision_missing`, `token_refused` with what to do; otherwise
 * as stores do. Source: https://huggingface.co/docs/hub/api, `GET /api/models/{id}/revision/{revision}`.
 */
export async function findRevision(
  hub: Hub,
  id: string,
  revision: string,
  { policy = DEFAULT_RETRY_POLICY, onRetry }: FetchingOptions = {},
  signal?: AbortSignal,
): Promise<HubRevision> {
  const url = new URL(`${hub.endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}`);
  const where = `${hub.endpoint}/${id}`;
  const refuse = refusing(hub, id, revision);
  const said = await withRetries(
    {
      policy: firstContact(policy),
      ...(onRetry === undefined ? {} : { onRetry }),
      ...(signal === undefined ? {} : { signal }),
    },
    async () => {
      const timeout = AbortSignal.timeout(policy.stallMs);
      const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
      try {
        const headers = { accept: "application/json", ...headersFor(hub)(url.origin) };
        const { last } = await walkOrigin(url, headers, either, refuse);
        if (!last.response.ok)
          throw refusalOf(last.response, `${where} answered ${last.response.status}`);
        return await readLimited(last.response, where);
      } catch (cause) {
        if (!timeout.aborted || signal?.aborted) throw cause;
        throw new WeightsError("store_unavailable", `${where} was silent for ${policy.stallMs} ms`);
      }
    },
  );
  const { sha, siblings } = parseRevision(said, where);
  return {
    id,
    revision,
    commit: sha,
    ...(siblings === undefined
      ? {}
      : { files: new Set(siblings.map(({ rfilename }) => rfilename)) }),
  };
}

/** Sees a repository at its pinned commit as a checkpoint folder. */
export function hubCheckpoint(
  hub: Hub,
  { id, revision, commit, files }: HubRevision,
  options: FetchingOptions = {},
): CheckpointFolder {
  const refuse = refusing(hub, id, revision);
  const folder = storedCheckpoint(
    httpStore(`${hub.endpoint}/${id}/resolve/${commit}`, {
      headersFor: headersFor(hub),
      check: (hop) => {
        refuse(hop);
        const served = hop.response.headers.get("x-repo-commit");
        if (served !== null && served !== commit)
          throw new WeightsError(
            "object_changed",
            `${hub.endpoint}/${id} serves commit ${served.slice(0, 40)} in place of ${commit}`,
          );
      },
    }),
    options,
  );
  if (files === undefined) return { ...folder, list: async () => undefined };
  return {
    ...folder,
    list: async () => [...files].filter((name) => !name.includes("/")),
    open: async (name, signal) => (files.has(name) ? folder.open(name, signal) : undefined),
  };
}

function headersFor({ endpoint, token }: Hub): HeadersFor {
  const own = new URL(endpoint).origin;
  return (origin): Readonly<Record<string, string>> =>
    token !== undefined && origin === own ? { authorization: `Bearer ${token}` } : {};
}

/** Throws what a hub's own refusal means. */
function refusing(hub: Hub, id: string, revision: string): (hop: Hop) => void {
  return ({ response }) => {
    const error = hubRefusal(response, {
      id,
      revision,
      endpoint: hub.endpoint,
      hasToken: hub.token !== undefined,
    });
    if (error !== undefined) throw error;
  };
}

async function readLimited(response: Response, where: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read().catch((cause: unknown) => {
      throw new WeightsError("store_unavailable", `${where} broke off`, { cause });
    });
    if (part === undefined || part.done) return text + decoder.decode();
    bytes += part.value.byteLength;
    if (bytes > MAX_CHECKPOINT_JSON_BYTES) {
      await reader?.cancel();
      throw new WeightsError(
        "store_refused",
        `${where} describes itself in more than ${MAX_CHECKPOINT_JSON_BYTES} bytes`,
      );
    }
    text += decoder.decode(part.value, { stream: true });
  }
}

function parseRevision(text: string, where: string): z.infer<typeof revisionSchema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new WeightsError("store_refused", `${where} does not answer as a model hub: no JSON`, {
      cause,
    });
  }
  const parsed = revisionSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new WeightsError(
    "store_refused",
    `${where} does not answer as a model hub:\n${z.prettifyError(parsed.error)}`,
  );
}
