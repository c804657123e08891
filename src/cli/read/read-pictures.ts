import { readFile } from "node:fs/promises";
import type { Ask, Picture } from "#client/ask.ts";
import type { Client } from "#client/client.ts";
import { RefusedError } from "#client/errors.ts";
import { UsageError } from "../command.ts";
import type { PictureFile } from "./picture-files.ts";
import { type ReadRow, rowOf } from "./rows.ts";

/** What is asked of every picture. */
export type Asked = Omit<Ask, "images"> & Required<Pick<Ask, "fields">>;

/** What became of one picture. */
export type ReadOutcome =
  | { readonly kind: "read"; readonly row: ReadRow }
  /** It is the picture that is not taken; the others may be. */
  | { readonly kind: "refused"; readonly picture: string; readonly why: RefusedError };

/**
 * Reads pictures, some at a time, and tells them in their order. What would end the same for every picture, and what the service cannot be
 * asked for now, is thrown; what was told until then is read.
 */
export async function* readPictures(
  client: Client,
  pictures: readonly PictureFile[],
  asked: Asked,
  atOnce: number,
  signal: AbortSignal,
): AsyncGenerator<ReadOutcome, void, undefined> {
  const leaving = new AbortController();
  const both = AbortSignal.any([signal, leaving.signal]);
  const under: Promise<ReadOutcome>[] = [];
  let next = 0;
  try {
    while (next < pictures.length || under.length > 0) {
      while (next < pictures.length && under.length < atOnce) {
        const reading = readOne(client, pictures[next++]!, asked, both);
        // It is awaited in its turn; one that is thrown before must not leave it unhandled.
        reading.catch(() => undefined);
        under.push(reading);
      }
      yield await under.shift()!;
    }
  } finally {
    leaving.abort(new Error("no more is read"));
    await Promise.allSettled(under);
  }
}

async function readOne(
  client: Client,
  { name, file }: PictureFile,
  asked: Asked,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const picture = await bytesOf(name, file, signal);
  try {
    const answer = await client.ask({ ...asked, images: [picture] }, { signal });
    const row = rowOf(name, answer, Object.keys(asked.fields));
    if (row === undefined)
      throw new UsageError("this service reads no fields: it is older than this command");
    return { kind: "read", row };
  } catch (cause) {
    if (cause instanceof RefusedError && isOfPicture(cause))
      return { kind: "refused", picture: name, why: cause };
    throw cause;
  }
}

/** Says what reading all pictures will cost, in micro-dollars, picture by picture. */
export async function quotePictures(
  client: Client,
  pictures: readonly PictureFile[],
  asked: Asked,
  signal: AbortSignal,
): Promise<{ readonly micros: number; readonly forwardPasses: number }> {
  const { webhook: _, deadline_ms: __, cache: ___, store: ____, ...quoted } = asked;
  let [micros, forwardPasses] = [0, 0];
  for (const { name, file } of pictures) {
    const images = [await bytesOf(name, file, signal)];
    const quote = await client.quote({ ...quoted, images }, { signal });
    micros += quote.price_micros;
    forwardPasses = Math.max(forwardPasses, quote.forward_passes);
  }
  return { micros, forwardPasses };
}

async function bytesOf(
  name: string,
  file: string | undefined,
  signal: AbortSignal,
): Promise<Picture> {
  if (file === undefined) return { url: name };
  try {
    return new Uint8Array(await readFile(file, { signal }));
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "ENOENT" && code !== "EACCES") throw cause;
    throw new UsageError(`the picture ${name} cannot be read (${code})`, { cause });
  }
}

/** Refusals that say something of one picture, and nothing of the next. */
function isOfPicture({ code, problem }: RefusedError): boolean {
  return code.startsWith("image_") && !problem.retryable;
}
