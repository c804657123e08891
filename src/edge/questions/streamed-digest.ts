import type { GrowingFile } from "#wire/body/growing-file.ts";

/** SHA-256 of bytes that come one after another, none of them kept. Source: workerd, `crypto.DigestStream`. */
export class StreamedDigest {
  readonly #stream = new crypto.DigestStream("SHA-256");
  readonly #writer: WritableStreamDefaultWriter<Uint8Array> = this.#stream.getWriter();

  /** Resolves when the bytes may be written over. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#writer.write(bytes);
  }

  /** 64 lower-case hex digits, once all has been written. */
  async hex(): Promise<string> {
    await this.#writer.close();
    const digest = new Uint8Array(await this.#stream.digest);
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}

/** A picture's digest names it in the cache, in its request's fingerprint and in the work order: it is computed once. */
const digests: WeakMap<GrowingFile, Promise<string>> = new WeakMap();

/** Returns the SHA-256 of a file that has arrived, in hex. It must be there the first time, and may be gone from then on. */
export async function fileDigest(file: GrowingFile): Promise<string> {
  const known = digests.get(file) ?? digestOf(file);
  digests.set(file, known);
  return await known;
}

async function digestOf(file: GrowingFile): Promise<string> {
  const digest = new StreamedDigest();
  for (const piece of file.pieces()) await digest.write(piece);
  return await digest.hex();
}
