import { statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import path from "node:path";

/** What a machine has, as far as a model asks for it. Passed in, so that tests can have any machine. */
export interface Machine {
  /** Memory that this process may use at most, in bytes: the machine's, or less where a container limits it. */
  readonly memoryBytes: number;
  /** Memory of the graphics card that is to compute, in bytes; absent where there is none, or nobody knows (WebGPU does not say). */
  readonly deviceBytes?: number;
  /** Free bytes on the disk of a folder, which need not exist yet. */
  freeBytes(folder: string): Promise<number>;
}

/** The machine that this runs on. */
export function thisMachine(deviceBytes?: number): Machine {
  const limit = process.constrainedMemory();
  return {
    ...(deviceBytes === undefined ? {} : { deviceBytes }),
    memoryBytes: limit > 0 ? Math.min(limit, totalmem()) : totalmem(),
    async freeBytes(folder) {
      for (let at = path.resolve(folder); ; at = path.dirname(at)) {
        try {
          const { bavail, bsize } = await statfs(at);
          return bavail * bsize;
        } catch (cause) {
          const isMissing =
            cause instanceof Error && "code" in cause && /^ENO(?:ENT|TDIR)$/.test(`${cause.code}`);
          if (!isMissing || at === path.dirname(at)) throw cause;
        }
      }
    },
  };
}
