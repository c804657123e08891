import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const REFERENCE = path.resolve(import.meta.dirname, "../fixtures/reference");

/** Copies some of the reference's cases, with the checkpoints that cases are of, into a folder of their own. */
export async function referenceSlice(
  cases: readonly string[],
): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), "unmask-parity-"));
  const parts = ["tiny-a", "tiny-real", "tiny-conv", ...cases.map((name) => `cases/${name}`)];
  for (const part of parts)
    await cp(path.join(REFERENCE, part), path.join(folder, part), { recursive: true });
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
