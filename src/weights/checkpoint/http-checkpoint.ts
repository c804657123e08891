import { httpStore } from "../remote/http-store.ts";
import type { CheckpointFolder } from "./checkpoint-folder.ts";
import { type FetchingOptions, storedCheckpoint } from "./stored-checkpoint.ts";

/**
 * Sees the files under a URL as a checkpoint folder. Plain http cannot list, so without an index the weights are looked for in
 * `model.safetensors`.
 */
export function httpCheckpoint(url: string, options: FetchingOptions = {}): CheckpointFolder {
  return { ...storedCheckpoint(httpStore(url), options), list: async () => undefined };
}
