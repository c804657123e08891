import { stageFile } from "#graph/build.ts";
import type { GiveBack } from "#weights/spares.ts";
import type { StageBytes } from "./runtime.ts";

/** The buffers of a session's weights, in the order of the graph's files. */
export function stageBuffers(stage: StageBytes): readonly Uint8Array[] {
  return stage instanceof Uint8Array ? [stage] : stage;
}

/** Hands a session its weights under the names that its graph has for them. */
export function externalData(stage: StageBytes): { path: string; data: Uint8Array }[] {
  return stageBuffers(stage).map((data, index) => ({ path: stageFile(index), data }));
}

/** Gives back every buffer that is nobody else's. */
export function giveBackAll(stage: StageBytes, giveBack: GiveBack | undefined): void {
  for (const bytes of stageBuffers(stage)) {
    if (bytes.buffer instanceof ArrayBuffer) giveBack?.(bytes as Uint8Array<ArrayBuffer>);
  }
}
