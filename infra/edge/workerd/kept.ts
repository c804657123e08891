import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { waitForLock } from "#cli/models/lock.ts";

/** Something that takes long to make, and is the same as long as its key is. */
export interface Kept {
  /** Where it is kept; made if it is not there, readable by its owner only. */
  readonly folder: string;
  /** What it is made of, as it is now. */
  readonly key: () => string;
  /** Makes it in a folder that is not there yet. */
  readonly make: (folder: string) => Promise<void>;
}

/**
 * Makes it where its key is not the one of the last time, and lets `use` read it while nobody else makes it. The key is written
 * last, and only where it did not change meanwhile: a making that breaks off, or reads half of a change, counts as none.
 */
export async function useKept(
  { folder, key, make }: Kept,
  use: (folder: string) => void,
  signal: AbortSignal,
): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [made, keyFile] = [path.join(folder, "made"), path.join(folder, "key")];
  const lock = await waitForLock(path.join(folder, "lock"), { signal, onWait: () => undefined });
  try {
    const before = key();
    if (!existsSync(keyFile) || readFileSync(keyFile, "utf8") !== before) {
      rmSync(keyFile, { force: true });
      rmSync(made, { recursive: true, force: true });
      await make(made);
      if (key() === before) writeFileSync(keyFile, before);
    }
    use(made);
  } finally {
    lock.close();
  }
}
