import type { Architecture } from "#domain/architecture.ts";
import type { LoadedStage } from "#domain/bundle.ts";
import type { StorageForm } from "#weights/format-choice.ts";
import { draftStages } from "#weights/layout.ts";
import { mixSeed, randomTensor } from "#weights/synth/random.ts";

/** Makes the stages of an architecture with random weights of a form in memory, one after another; equal at every call. */
export function* randomStages(
  architecture: Architecture,
  { format, block }: StorageForm,
): Generator<LoadedStage> {
  for (const [stage, draft] of draftStages(architecture, format, block).entries()) {
    const bytes = new Uint8Array(draft.bytes);
    for (const [index, entry] of draft.tensors.entries()) {
      const written = { data: 0, scales: 0 };
      for (const { part, bytes: piece } of randomTensor(entry, mixSeed(1, stage, index))) {
        bytes.set(piece, (entry[part]?.offset ?? 0) + written[part]);
        written[part] += piece.byteLength;
      }
    }
    yield { layout: { ...draft, shards: [] }, bytes };
  }
}
