import { WeightsError } from "../weights-error.ts";

/** A pointer is smaller than this. Source: the specification, https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
export const MAX_LFS_POINTER_BYTES = 1024;

/**
 * Throws WeightsError `checkpoint_lfs_pointer` if the bytes are what Git leaves in place of a file that Git LFS keeps: a clone
 * without it holds such a text under the name of each large file.
 */
export function refuseLfsPointer(content: Uint8Array, fileName: string): void {
  if (content.byteLength >= MAX_LFS_POINTER_BYTES) return;
  const text = new TextDecoder().decode(content);
  if (!text.startsWith("version https://git-lfs.github.com/spec/")) return;
  const size = /^size (\d+)$/m.exec(text)?.[1];
  throw new WeightsError(
    "checkpoint_lfs_pointer",
    `${fileName} is a Git LFS pointer in place of the file itself${size === undefined ? "" : `, which has ${size} bytes`}`,
  );
}
