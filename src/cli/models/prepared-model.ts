import type { Bundle } from "#domain/bundle.ts";
import type { ObjectStore } from "#weights/object-store.ts";
import type { Progress } from "#weights/progress.ts";
import type { CommandIo } from "../command.ts";
import type { Machine } from "./machine.ts";
import type { WantedForm } from "./needs.ts";

export interface PrepareOptions extends Pick<CommandIo, "cwd" | "env" | "signal"> {
  /** See `readSource`; or a bundle, see `findBundle`. */
  readonly source: string;
  /** What will compute: decides with the memory which form `auto` is. */
  readonly provider: ModelProvider;
  readonly format: WantedForm;
  /** The model's name; from the source if absent. */
  readonly name?: string;
  /** The folder of converted models; see `modelsFolder`. */
  readonly models?: string;
  /** Ask the hub which commit the revision is now, although a model of it lies there. */
  readonly refresh?: boolean;
  /** Memory of the card that will compute; see `Machine`. */
  readonly deviceBytes?: number;
  /** This machine if absent. */
  readonly machine?: Machine;
  readonly onProgress: (progress: PrepareProgress) => void;
}

/** What computes the model. */
export type ModelProvider = "cpu" | "wasm" | "webgpu" | "cuda";

/** What happens, for people: a sentence when something begins or goes wrong, and how far a transfer is. */
export type PrepareProgress =
  | { readonly kind: "says"; readonly text: string }
  | { readonly kind: "progress"; readonly label: string; readonly progress: Progress };

/** A bundle that can be served. */
export interface PreparedModel {
  /** The folder or bucket that holds `models/` and `blobs/`. */
  readonly location:
    | { readonly kind: "folder"; readonly path: string }
    | { readonly kind: "s3"; readonly address: string };
  /** The same, opened. */
  readonly store: ObjectStore;
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the manifest. */
  readonly digest: string;
  readonly bundle: Bundle;
  /** Where it came from, for people: `GSAI-ML/LLaDA-V@<commit>`. */
  readonly source: string;
  /** Made just now, found converted, or a bundle from the start. */
  readonly from: "converted" | "kept" | "bundle";
}
