import { randomUUID } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import path from "node:path";

/** Bytes that have left memory for the disk, and are read again in pieces. */
export interface ScratchFile {
  /** Reads exactly that many bytes. Throws an Error where the file has fewer. */
  read(offset: number, bytes: number): Promise<ArrayBuffer>;
  close(): Promise<void>;
}

/** Writes of this size measured as fast as any; what is not written yet can be let go with the folder's error. */
const WRITE_BYTES: number = 4 * 1024 * 1024;

/**
 * Writes bytes into a file that has no name from its first byte on: no other process can change what has been verified, and
 * the file goes with the process, however that ends. Throws what the disk says.
 */
export async function openScratchFile(folder: string, bytes: Uint8Array): Promise<ScratchFile> {
  const file = path.join(folder, `unmask-scratch-${randomUUID()}`);
  const handle = await open(file, "wx+", 0o600);
  try {
    await rm(file);
    for (let at = 0; at < bytes.byteLength; at += WRITE_BYTES) {
      await writeAll(handle, bytes.subarray(at, at + WRITE_BYTES), at);
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
  return {
    async read(offset, length) {
      const piece = new Uint8Array(length);
      const { bytesRead } = await handle.read(piece, 0, length, offset);
      if (bytesRead === length) return piece.buffer;
      throw new Error(`a scratch file has ${bytesRead} of ${length} bytes at ${offset}`);
    },
    close: () => handle.close(),
  };
}

/** One call may write less than it is given. */
async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.byteLength; ) {
    const left = bytes.byteLength - written;
    const { bytesWritten } = await handle.write(bytes, written, left, position + written);
    written += bytesWritten;
  }
}
