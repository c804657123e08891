import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { GetOptions, ObjectBody, ObjectStore } from "./object-store.ts";
import { toWeightsError } from "./s3-fault.ts";
import { inParts, resumed } from "./upload-parts.ts";
import { WeightsError } from "./weights-error.ts";

/** Where a bucket is and who asks. Any S3-compatible server: R2, AWS, Ceph, MinIO. */
export interface S3Config {
  readonly endpoint: string;
  /** `auto` for R2. */
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** W3C `traceparent` that every request brings along; absent: none does. */
  readonly traceparent?: string;
}

const PARTS_IN_FLIGHT = 4;
/** Writes are tried again by the SDK (with its backoff); reads never, because the reader knows better (`transfer.ts`). */
const WRITE_ATTEMPTS = 6;
/** A host that does not even answer the handshake is down: 10 s is several retransmissions. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Opens a bucket. No connection is made before the first request. */
export function createS3Store(config: S3Config): ObjectStore {
  const reader = createClient(config, 1);
  const writer = createClient(config, WRITE_ATTEMPTS);
  const { bucket: Bucket } = config;
  const address = `s3://${Bucket}`;
  const store: ObjectStore = {
    address,
    async head(Key, signal) {
      try {
        const head = await reader.send(new HeadObjectCommand({ Bucket, Key }), aborting(signal));
        return { bytes: head.ContentLength ?? 0, etag: head.ETag ?? "" };
      } catch (cause) {
        const fault = toWeightsError(cause, `looking at ${Key} of ${address}`, signal);
        if (fault.code === "not_found") return undefined;
        throw fault;
      }
    },
    get: (key, options = {}) => getObject(reader, Bucket, key, options),
    async put(Key, Body, signal) {
      try {
        await writer.send(new PutObjectCommand({ Bucket, Key, Body }), aborting(signal));
      } catch (cause) {
        throw toWeightsError(cause, `writing ${Key} to ${address}`, signal);
      }
    },
    async putStream(key, chunks, signal) {
      const parts = inParts(chunks);
      const first = await parts.next();
      const second = first.done ? first : await parts.next();
      if (first.done || second.done) {
        await store.put(key, first.done ? new Uint8Array() : first.value, signal);
        return;
      }
      try {
        await uploadParts(writer, Bucket, key, resumed(first.value, second.value, parts), signal);
      } catch (cause) {
        throw toWeightsError(cause, `writing ${key} to ${address} in parts`, signal);
      }
    },
    async remove(Key, signal) {
      try {
        await writer.send(new DeleteObjectCommand({ Bucket, Key }), aborting(signal));
      } catch (cause) {
        throw toWeightsError(cause, `removing ${Key} from ${address}`, signal);
      }
    },
    list: (prefix, signal) => listKeys(reader, Bucket, prefix, signal),
  };
  return store;
}

function createClient(config: S3Config, maxAttempts: number): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = config;
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    maxAttempts,
    // The default trailing checksums are refused by R2's local endpoint (500) and by Ceph (411), and neither ever checks
    // one: the manifest carries a hash for every shard instead. Measured with both.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS },
  });
  const { traceparent } = config;
  if (traceparent !== undefined)
    client.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as { readonly headers: Record<string, string> };
        headers["traceparent"] = traceparent;
        return next(args);
      },
      { step: "build", name: "traceparent" },
    );
  return client;
}

async function getObject(
  client: S3Client,
  Bucket: string,
  Key: string,
  { range, ifMatch, signal }: GetOptions,
): Promise<ObjectBody> {
  const doing = `reading ${Key} of s3://${Bucket}`;
  const command = new GetObjectCommand({
    Bucket,
    Key,
    ...(range === undefined
      ? {}
      : { Range: `bytes=${range.offset}-${range.offset + range.bytes - 1}` }),
    ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
  });
  try {
    const reply = await client.send(command, aborting(signal));
    const place = parseContentRange(reply.ContentRange);
    return {
      objectBytes: place === undefined ? reply.ContentLength : place.objectBytes,
      etag: reply.ETag,
      offset: place?.offset ?? 0,
      chunks: bodyChunks(reply.Body, doing, signal),
    };
  } catch (cause) {
    throw toWeightsError(cause, doing, signal);
  }
}

async function* listKeys(
  client: S3Client,
  Bucket: string,
  Prefix: string,
  signal: AbortSignal | undefined,
): AsyncIterable<string> {
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken: token });
    const page = await client.send(command, aborting(signal)).catch((cause: unknown) => {
      throw toWeightsError(cause, `listing ${Prefix} of s3://${Bucket}`, signal);
    });
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

function aborting(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** Reads the reply's body; whatever ends it early is a broken connection, worth resuming. */
async function* bodyChunks(
  body: unknown,
  doing: string,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  if (!isAsyncIterable(body)) return; // an empty object has no body on some runtimes
  try {
    yield* body;
  } catch (cause) {
    signal?.throwIfAborted();
    throw new WeightsError("store_unavailable", `${doing} broke off`, { cause });
  }
}

/** Node gives a Readable, browsers and Workers a ReadableStream: both are iterable, the SDK's type says neither. */
function isAsyncIterable(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

function parseContentRange(
  header: string | undefined,
): { offset: number; objectBytes: number | undefined } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(header ?? "");
  if (match === null) return undefined;
  return {
    offset: Number(match[1]),
    objectBytes: match[2] === "*" ? undefined : Number(match[2]),
  };
}

/** Uploads parts, a few at a time; a failure aborts the upload, so that no paid-for debris stays behind. */
async function uploadParts(
  client: S3Client,
  Bucket: string,
  Key: string,
  parts: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key }),
    aborting(signal),
  );
  const upload = { Bucket, Key, UploadId };
  const inFlight = new Set<Promise<void>>();
  const completed: CompletedPart[] = [];
  const send = async (PartNumber: number, Body: Uint8Array): Promise<void> => {
    const command = new UploadPartCommand({ ...upload, PartNumber, Body });
    const { ETag } = await client.send(command, aborting(signal));
    completed[PartNumber - 1] = { PartNumber, ETag };
  };
  try {
    let number = 0;
    for await (const part of parts) {
      number += 1;
      const sending = send(number, part).finally(() => inFlight.delete(sending));
      inFlight.add(sending);
      if (inFlight.size >= PARTS_IN_FLIGHT) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
    await client.send(
      new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: completed } }),
      aborting(signal),
    );
  } catch (error) {
    await Promise.allSettled(inFlight);
    await client.send(new AbortMultipartUploadCommand(upload)).catch((cause: unknown) => {
      throw new AggregateError([error, cause], "the upload failed and could not be aborted");
    });
    throw error;
  }
}
