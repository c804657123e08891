/** A stage's buffer that has been read and may be filled again; absent where there is none of the right size. */
export type Spare = Uint8Array<ArrayBuffer> | undefined;

/** Hands back a buffer that nobody reads any more. */
export type GiveBack = (buffer: Uint8Array<ArrayBuffer>) => void;

/**
 * Buffers between two stages of one size: an 8B model has 32 such layers. Fresh memory costs a page fault per 4 KiB, which measured
 * as much processor time as hashing what is put there.
 */
export interface Spares {
  /** Takes a buffer of exactly that size. One of another size is freed at once: the next stage's buffer takes its place. */
  take(bytes: number): Spare;
  readonly keep: GiveBack;
  /** Frees them all. */
  clear(): void;
}

export function createSpares(): Spares {
  const kept: Uint8Array<ArrayBuffer>[] = [];
  return {
    take(bytes) {
      const fitting = kept.findIndex(({ byteLength }) => byteLength === bytes);
      if (fitting >= 0) return kept.splice(fitting, 1)[0];
      kept.pop()?.buffer.transfer(0);
      return undefined;
    },
    keep: (buffer) => {
      kept.push(buffer);
    },
    clear() {
      for (const { buffer } of kept.splice(0)) buffer.transfer(0);
    },
  };
}
