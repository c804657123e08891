import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { waitForLock } from "#cli/models/lock.ts";

/** Something that takes long to make, and is the same as long as its key is. */
export interface Kept {
  /** Where it is kept; made if it is not there, readable by its owner only. */
  readonly folder: string;
  /** What it is made of, as it is now. */
  readonly key: () => string;
  /** Makes it in a folder that is not there yet. */
  readonly make: (folder: string, signal: AbortSignal) => Promise<void>;
}

/** Begins the names of folders in which it is being made. */
const MAKING = "making-";

/**
 * Makes it where its key is not the one of the last time, and lets `use` read it while nobody else makes it. The key is written
 * last, and only where it did not change meanwhile: what is half of a change is used this once, and not kept. Where nothing can be
 * kept, as in packages that another user has installed, it is made anew each time.
 */
export async function useKept(
  { folder, key, make }: Kept,
  use: (folder: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (!isWritable(folder)) return await makeFresh(tmpdir(), make, use, signal);
  const [made, keyFile] = [path.join(folder, "made"), path.join(folder, "key")];
  const lock = await waitForLock(path.join(folder, "lock"), { signal, onWait: () => undefined });
  try {
    const before = key();
    if (!existsSync(keyFile) || readFileSync(keyFile, "utf8") !== before) {
      removeBrokenOff(folder);
      const keep = (fresh: string): void => {
        rmSync(keyFile, { force: true });
        rmSync(made, { recursive: true, force: true });
        renameSync(fresh, made);
        if (key() === before) writeFileSync(keyFile, before);
      };
      await makeFresh(folder, make, keep, signal);
    }
    use(made);
  } finally {
    lock.close();
  }
}

function isWritable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** In a folder of its own: what a maker that was killed had started may go on writing into the one that it was given. */
async function makeFresh(
  where: string,
  make: Kept["make"],
  take: (made: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const folder = mkdtempSync(path.join(where, MAKING));
  try {
    const made = path.join(folder, "made");
    await make(made, signal);
    take(made);
  } finally {
    // What was ended a moment ago may still write.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Whoever was killed left it; to be called under the lock. */
function removeBrokenOff(folder: string): void {
  for (const name of readdirSync(folder))
    if (name.startsWith(MAKING)) rmSync(path.join(folder, name), { recursive: true, force: true });
}
