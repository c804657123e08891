import type { AnswerUpdate } from "#client/answer-stream.ts";
import type { ModelBody } from "#wire/api/models.ts";
import type { Problem } from "#wire/error.ts";

/** What the page asks of the worker that computes. Who gives up ends the worker: what it has kept stays kept. */
export type Order =
  | {
      readonly kind: "load";
      /** As `GET /v1/models` tells it: by this card questions are read, here as there. */
      readonly model: ModelBody;
      readonly baseUrl: string;
      /** Opens the bundle and nothing else is sent with it. */
      readonly token: string;
    }
  | {
      readonly kind: "ask";
      /** As `POST /v1/answers` takes it, without its pictures. */
      readonly body: unknown;
      readonly pictures: readonly Blob[];
    }
  /** Tells the answer as it stands. */
  | { readonly kind: "stop" };

/** What the worker says. */
export type Told =
  | { readonly kind: "loading"; readonly load: LoadProgress }
  | { readonly kind: "ready"; readonly loaded: Loaded }
  | { readonly kind: "load_failed"; readonly fault: LoadFault }
  | { readonly kind: "update"; readonly update: AnswerUpdate }
  | { readonly kind: "ended" }
  | { readonly kind: "refused"; readonly problem: Problem }
  | { readonly kind: "broke"; readonly message: string };

export interface LoadProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Infinite while no rate is known. */
  readonly etaSeconds: number;
  /** Bytes that came off the network. */
  readonly receivedBytes: number;
}

/** A model that answers here. */
export interface Loaded {
  readonly digest: string;
  readonly version: string;
  readonly bytes: number;
  readonly provider: "wasm" | "webgpu";
  /** Whether another visit finds it here; false where the device has no room for it. */
  readonly isKept: boolean;
  /** Shards that were not as they should be on the device, and were fetched again. */
  readonly mended: number;
}

/** Why a model cannot be loaded. */
export type LoadFault =
  /** `offline`: and it is not kept here. */
  | { readonly kind: "offline" | "not_downloadable" | "pass_over" | "too_large" | "too_old" }
  | { readonly kind: "other"; readonly message: string };
