import { stageNames } from "#domain/bundle.ts";
import type { CreateHasher } from "../digest.ts";
import type { StorageForm } from "../format-choice.ts";
import { stageTensors } from "../layout.ts";
import { canonicalJson } from "../manifest.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** Changes when equal checkpoints would give other bytes than before, so that no journal of an older form is gone on with. */
export const ENCODING_REVISION = 2;

/** Files are told apart by headers, lengths and revisions: reading 17 GB to be surer would be the conversion itself. */
function placesOf(checkpoint: Checkpoint): readonly unknown[] {
  return stageNames(checkpoint.architecture).flatMap((stage) =>
    stageTensors(checkpoint.architecture, stage).map(({ name }) => {
      const { source, ...place } = checkpoint.tensor(stage, name);
      return { ...place, fileBytes: source.byteLength, revision: source.revision ?? null };
    }),
  );
}

/** Names a conversion, so that only the same one is gone on with: 64 hex digits. */
export function fingerprintOf(
  checkpoint: Checkpoint,
  form: StorageForm & { readonly rotated: boolean },
  createHasher: CreateHasher,
): string {
  return digestOf(
    {
      ENCODING_REVISION,
      architecture: checkpoint.architecture,
      form,
      tensors: placesOf(checkpoint),
    },
    createHasher,
  );
}

/**
 * Names what a checkpoint would become: equal for checkpoints whose bundles of one form are the same, as far as headers, lengths,
 * revisions and small files tell. 64 hex digits.
 */
export function checkpointDigest(checkpoint: Checkpoint, createHasher: CreateHasher): string {
  const files = [...checkpoint.files].sort(([a], [b]) => (a < b ? -1 : 1));
  const contents = files.map(([name, bytes]) => {
    const hasher = createHasher();
    hasher.update(bytes);
    return [name, hasher.digestHex()];
  });
  const { architecture } = checkpoint;
  return digestOf({ architecture, tensors: placesOf(checkpoint), contents }, createHasher);
}

function digestOf(facts: unknown, createHasher: CreateHasher): string {
  const hasher = createHasher();
  hasher.update(new TextEncoder().encode(canonicalJson(facts)));
  return hasher.digestHex();
}
