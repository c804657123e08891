import type { Context } from "hono";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { type ModelBundleBody, modelBundleSchema } from "#wire/api/model-bundle.ts";
import { type BytePart, readByteRange } from "#wire/codec/byte-range.ts";
import type { EdgeEnv } from "../env.ts";
import { missingThing, refused } from "../guard/errors.ts";
import { mayAsk } from "../keys/may-ask.ts";
import { BundleFiles, type BundleVersion } from "../models/bundle-files.ts";
import { settingsOf } from "../settings.ts";
import { modelsOf } from "./asked-card.ts";
import { byKey, jsonContent, type RouteConfig } from "./describe/route.ts";

/** Which version is the current one changes; it is asked for anew each time. */
const FLEETING = "private, no-cache";

/** What has the name of its content never changes. Private: a cache on the way does not know whose key may have it. */
const IMMUTABLE = "private, max-age=31536000, immutable";

/** `GET /v1/models/{id}/bundle`: which version of a model's weights can be had, and how large it is. */
export async function showBundle(c: Context<EdgeEnv>): Promise<Response> {
  const files = await filesFor(c);
  if (!files.ok) return refused(c, files.refusal);
  const model = c.req.param("id") ?? "";
  const current = await files.value.current(model);
  const version = current && (await files.value.version(model, current.version));
  if (current === undefined || version === undefined) return refused(c, missingBundle(c));
  const bytes = [...version.blobs.values()].reduce((sum, size) => sum + size, 0);
  const place = `/v1/models/${encodeURIComponent(model)}/bundle/${current.version}`;
  const body: ModelBundleBody = {
    ...{ object: "model.bundle", model, version: current.version, digest: version.digest },
    ...{ bytes, manifest: `${place}/manifest.json`, blobs: `${place}/blobs/{sha256}` },
  };
  return c.json(body, 200, { "cache-control": FLEETING });
}

/** `GET …/bundle/{version}/manifest.json`: the manifest, whose SHA-256 is the model's digest. */
export async function showManifest(c: Context<EdgeEnv>): Promise<Response> {
  const found = await versionFor(c);
  if (!found.ok) return refused(c, found.refusal);
  const { digest, manifest } = found.value.version;
  return await sendFile(c, {
    ...{ sha256: digest, bytes: manifest.byteLength, type: "application/json" },
    open: async ({ offset, bytes }) => manifest.subarray(offset, offset + bytes),
  });
}

/** `GET …/bundle/{version}/blobs/{sha256}`: a shard or a file that the manifest names; no other, wherever it lies. */
export async function showBlob(c: Context<EdgeEnv>): Promise<Response> {
  const found = await versionFor(c);
  if (!found.ok) return refused(c, found.refusal);
  const { files, version } = found.value;
  const sha256 = c.req.param("sha256") ?? "";
  const bytes = version.blobs.get(sha256);
  if (bytes === undefined) return refused(c, missingBundle(c));
  return await sendFile(c, {
    ...{ sha256, bytes, type: "application/octet-stream" },
    open: (part) => files.open(sha256, bytes, part),
  });
}

/** The bucket's bundles by an installation's settings; each isolate has one. */
const readers = new WeakMap<R2Bucket, BundleFiles>();

/** Where the bundle of the path's model lies, if it is given out to this caller. */
async function filesFor(c: Context<EdgeEnv>): Promise<Result<BundleFiles, Failure>> {
  const model = c.req.param("id") ?? "";
  const { cards, weightsPrefix } = settingsOf(c.env);
  const allowed = mayAsk(c.get("key"), model);
  if (!allowed.ok) return allowed;
  const card = Object.hasOwn(cards, model) ? cards[model] : undefined;
  if (card?.isDownloadable !== true) {
    const { served } = await modelsOf(c);
    const known = served.map(({ card: { id } }) => id);
    if (!known.includes(model) && card === undefined)
      return refuse(missingThing(c, "model", known));
    return refuse({ kind: "model_not_downloadable", model });
  }
  const files = readers.get(c.env.WEIGHTS) ?? new BundleFiles(c.env.WEIGHTS, weightsPrefix);
  readers.set(c.env.WEIGHTS, files);
  return ok(files);
}

async function versionFor(
  c: Context<EdgeEnv>,
): Promise<Result<{ readonly files: BundleFiles; readonly version: BundleVersion }, Failure>> {
  const files = await filesFor(c);
  if (!files.ok) return files;
  const [model = "", name = ""] = [c.req.param("id"), c.req.param("version")];
  const version = await files.value.version(model, name);
  return version === undefined ? refuse(missingBundle(c)) : ok({ files: files.value, version });
}

/** One that is downloadable and not in the bucket: its function has it from elsewhere, or it was removed. */
function missingBundle(c: Context<EdgeEnv>): Failure {
  return missingThing(c, "bundle file");
}

/** A file named by its content. */
interface ContentFile {
  readonly sha256: string;
  readonly bytes: number;
  readonly type: string;
  /** Undefined where it is gone. */
  readonly open: (part: BytePart) => Promise<ReadableStream | Uint8Array<ArrayBuffer> | undefined>;
}

/** Sends a file or a part of it: 200, 206, 304 where the caller has it, 416 behind its end. Source: RFC 9110 §13, §14. */
async function sendFile(c: Context<EdgeEnv>, file: ContentFile): Promise<Response> {
  const etag = `"${file.sha256}"`;
  const ifRange = c.req.header("if-range");
  const range = ifRange === undefined || ifRange === etag ? c.req.header("range") : undefined;
  const headers = { "cache-control": IMMUTABLE, etag, "accept-ranges": "bytes" };
  if (knows(c.req.header("if-none-match"), etag)) return c.body(null, 304, headers);
  const part = readByteRange(range, file.bytes);
  if (part === "unsatisfiable") {
    c.header("content-range", `bytes */${file.bytes}`);
    return refused(c, { kind: "range_not_satisfiable", bytes: file.bytes });
  }
  const { offset, bytes } = part ?? { offset: 0, bytes: file.bytes };
  const sent = { ...headers, "content-type": file.type, "content-length": String(bytes) };
  const placed =
    part === undefined
      ? sent
      : { ...sent, "content-range": `bytes ${offset}-${offset + bytes - 1}/${file.bytes}` };
  const status = part === undefined ? 200 : 206;
  if (c.req.method === "HEAD") return c.body(null, status, placed);
  const body = await file.open({ offset, bytes });
  return body === undefined ? refused(c, missingBundle(c)) : c.body(body, status, placed);
}

function knows(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}

const id = z.string().meta({ example: "unmask-demo" });
const version = z.string().meta({ example: "3.1" });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const binary = z.string().meta({ type: "string", format: "binary" });

const fileHeaders = ["Accept-Ranges", "Cache-Control", "ETag"] as const;

const known = { 304: { description: "The caller has it.", headers: fileHeaders } };

/** How the bundles' routes read in the API's description. */
export const bundleRoutes: readonly RouteConfig[] = [
  {
    method: "get",
    path: "/v1/models/{id}/bundle",
    operationId: "showModelBundle",
    summary: "Show a model's bundle",
    description:
      "Where the weights of a downloadable model lie, to be run elsewhere. Its manifest says which shards and files there are, by their SHA-256.",
    security: byKey,
    request: { params: z.object({ id }) },
    responses: {
      200: {
        description: "The current version.",
        headers: ["Cache-Control"],
        content: jsonContent(modelBundleSchema),
      },
    },
  },
  {
    method: "get",
    path: "/v1/models/{id}/bundle/{version}/manifest.json",
    operationId: "downloadModelManifest",
    summary: "Download a bundle's manifest",
    description: "Its SHA-256 is the model's digest.",
    security: byKey,
    request: {
      params: z.object({ id, version }),
      headers: ["If-None-Match", "If-Range", "Range"],
    },
    responses: {
      200: {
        description: "The manifest.",
        headers: fileHeaders,
        content: jsonContent(z.looseObject({ formatVersion: z.literal(1) })),
      },
      206: {
        description: "The part that was asked for.",
        headers: [...fileHeaders, "Content-Range"],
        content: jsonContent(z.unknown()),
      },
      ...known,
    },
  },
  {
    method: "get",
    path: "/v1/models/{id}/bundle/{version}/blobs/{sha256}",
    operationId: "downloadModelBlob",
    summary: "Download a shard or file",
    description: "One that the manifest of this version names: whole, or a part of it.",
    security: byKey,
    request: {
      params: z.object({ id, version, sha256 }),
      headers: ["If-None-Match", "If-Range", "Range"],
    },
    responses: {
      200: {
        description: "Its bytes.",
        headers: fileHeaders,
        content: { "application/octet-stream": { schema: binary } },
      },
      206: {
        description: "The part that was asked for.",
        headers: [...fileHeaders, "Content-Range"],
        content: { "application/octet-stream": { schema: binary } },
      },
      ...known,
    },
  },
];
