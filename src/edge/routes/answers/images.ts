import type { Context } from "hono";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import type { ImageHeader } from "#domain/image/header.ts";
import { judgeImages } from "#domain/image/judge.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { type ClientToken, isUploadToken } from "#wire/api/accounts/client-token.ts";
import { tooLarge } from "#wire/api/answers/conversation.ts";
import { type UploadBody, uploadSchema } from "#wire/api/answers/images.ts";
import { NO_FILE } from "#wire/api/answers/requests.ts";
import { GrowingFile } from "#wire/body/growing-file.ts";
import { MAX_IMAGE_BYTES } from "#wire/limits.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused, refusedMissing } from "../../guard/errors.ts";
import { retentionOf } from "../../keepers.ts";
import { UploadTokens } from "../../keys/upload-tokens.ts";
import { keepOnce } from "../../pictures/upload-once.ts";
import { type Upload, Uploads } from "../../pictures/uploads.ts";
import { settingsOf } from "../../settings.ts";
import { mediaTypeOf, readChunks, readForm } from "../body.ts";
import { byKey, jsonContent, type RouteConfig } from "../describe/route.ts";
import { viewerIn } from "../reply-headers.ts";

/** `POST /v1/images`: keeps a picture to be asked about more than once. Equal files are one upload. */
export async function uploadImage(c: Context<EdgeEnv>): Promise<Response> {
  const once = onceIn(c);
  const unused = once === undefined ? ok(undefined) : await once.tokens.check(once.token);
  if (!unused.ok) return refused(c, unused.refusal);
  const file = await readFile(c);
  if (!file.ok) return refused(c, file.refusal);
  const header = headerOf(file.value);
  if (!header.ok) return refused(c, header.refusal);
  const uploads = uploadsOf(c);
  const { accountId, accountRetention } = c.get("key");
  const { uploadMs: lifetimeMs } = { ...settingsOf(c.env).retention, ...accountRetention };
  const kept = await (once === undefined
    ? uploads.keep(file.value, header.value, lifetimeMs)
    : keepOnce(file.value, header.value, { uploads, lifetimeMs, ...once }));
  if (!kept.ok) return refused(c, kept.refusal);
  const { upload, isNew } = kept.value;
  // It is deleted then; should this be lost with the Worker, the bucket's own rule deletes it later.
  await retentionOf(c.env, accountId).uploadKept(accountId, upload.expiresAt);
  c.header("location", `/v1/images/${upload.id}`);
  return c.json(uploadBody(upload), isNew ? 201 : 200, privately);
}

/** `GET /v1/images/{id}`: what is known of an upload. */
export async function showImage(c: Context<EdgeEnv>): Promise<Response> {
  const upload = await uploadsOf(c).find(c.req.param("id") ?? "");
  return upload === undefined ? unknown(c) : c.json(uploadBody(upload), 200, privately);
}

/** `DELETE /v1/images/{id}`: forgets an upload at once. Answers that were made from it stay. */
export async function deleteImage(c: Context<EdgeEnv>): Promise<Response> {
  const isRemoved = await uploadsOf(c).remove(c.req.param("id") ?? "");
  return isRemoved ? c.body(null, 204) : unknown(c);
}

const privately = { "cache-control": "private, no-cache" };

function uploadsOf(c: Context<EdgeEnv>): Uploads {
  return new Uploads(c.env.IMAGES, viewerIn(c), Date.now);
}

/** The client token of one upload that a request comes with, if it does. */
function onceIn(c: Context<EdgeEnv>): { tokens: UploadTokens; token: ClientToken } | undefined {
  const token = c.get("clientToken");
  if (token === undefined || !isUploadToken(token)) return undefined;
  return { tokens: new UploadTokens(c.env.DB, Date.now), token };
}

function unknown(c: Context<EdgeEnv>): Response {
  return refusedMissing(c, "uploaded picture");
}

/** Reads the file: the body itself, or the part `image` of a form. Its stated type is not believed. */
async function readFile(c: Context<EdgeEnv>): Promise<Result<GrowingFile, Failure>> {
  const mediaType = mediaTypeOf(c);
  if (mediaType === "multipart/form-data") return await readPart(c);
  if (mediaType !== "application/octet-stream" && !mediaType.startsWith("image/"))
    return refuse({
      kind: "unsupported_media_type",
      contentType: mediaType.slice(0, 100),
      supported: "image/*, application/octet-stream or multipart/form-data",
    });
  const file = new GrowingFile();
  const read = await readChunks(c, (chunk) => {
    file.append(chunk);
    return undefined;
  });
  return read.ok ? ok(file) : read;
}

async function readPart(c: Context<EdgeEnv>): Promise<Result<GrowingFile, Failure>> {
  const form = await readForm(c);
  if (!form.ok) return form;
  const [first, ...others] = form.value;
  if (first?.name === "image" && !first.isFile)
    return refuse({ kind: "invalid_request", problems: [NO_FILE] });
  if (first?.name !== "image" || others.length > 0)
    return refuseBody(
      "must have one part, the file named image: curl sends it with -F image=@dog.png",
    );
  return ok(first.content);
}

function refuseBody(message: string): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: [{ pointer: "", message }] });
}

/** Refuses with `image_file_too_large`, and with what asking about the picture would end with. */
function headerOf(file: GrowingFile): Result<ImageHeader, Failure> {
  if (file.byteLength > MAX_IMAGE_BYTES) return refuse(tooLarge(0));
  if (file.byteLength === 0)
    return refuse({ kind: "image_unsupported", image: 0, reason: "it is empty" });
  const headers = judgeImages([file]);
  if (!headers.ok) return headers;
  const [header] = headers.value;
  if (header === undefined) throw new Error("a judged picture has no header");
  return ok(header);
}

function uploadBody(upload: Upload): UploadBody {
  return {
    id: upload.id,
    object: "image",
    bytes: upload.bytes,
    width: upload.size.width,
    height: upload.size.height,
    media_type: upload.mediaType,
    created_at: new Date(upload.createdAt).toISOString(),
    expires_at: new Date(upload.expiresAt).toISOString(),
  };
}

const binary = z.string().meta({ type: "string", format: "binary" });
const id = z.string().regex(/^img_[0-9a-f]{64}$/);

/** How the routes of uploads read in the API's description. */
export const imageRoutes: readonly RouteConfig[] = [
  {
    method: "post",
    path: "/v1/images",
    operationId: "uploadImage",
    summary: "Upload a picture",
    description:
      'To ask about it more than once as {"id": "img_…"}. Equal files have one id; uploading again keeps it for another 30 days, or as long as the account keeps uploads.',
    security: byKey,
    request: {
      body: {
        required: true,
        content: {
          "image/*": { schema: binary },
          "application/octet-stream": { schema: binary },
          "multipart/form-data": { schema: z.strictObject({ image: binary }) },
        },
      },
    },
    responses: {
      201: {
        description: "It is kept.",
        headers: ["Location"],
        content: jsonContent(uploadSchema),
      },
      200: {
        description: "An equal file was kept already; now for longer.",
        headers: ["Location"],
        content: jsonContent(uploadSchema),
      },
    },
  },
  {
    method: "get",
    path: "/v1/images/{id}",
    operationId: "showImage",
    summary: "Show an uploaded picture",
    security: byKey,
    request: { params: z.object({ id }) },
    responses: {
      200: {
        description: "What is known of it.",
        content: jsonContent(uploadSchema),
      },
    },
  },
  {
    method: "delete",
    path: "/v1/images/{id}",
    operationId: "deleteImage",
    summary: "Delete an uploaded picture",
    security: byKey,
    request: { params: z.object({ id }) },
    responses: { 204: { description: "It is gone. Answers that were made from it stay." } },
  },
];
