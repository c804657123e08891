/**
 * What can go wrong between a checkpoint or an object store and a verified stage. Codes are stable: they reach callers
 * of the service in `weights_failed` and operators in logs.
 *
 *   store         `not_found` · `access_denied` · `store_refused` other 4xx · `store_unavailable` the only one worth
 *                 trying again · `object_changed` another ETag while it was being read
 *   hub           `repository_missing` · `repository_gated` · `revision_missing` · `token_refused`
 *   machine       `disk_too_small` · `memory_too_small`
 *   bundle        `manifest_invalid` · `shard_corrupt` · `memory_budget_too_small`
 *   safetensors   `safetensors_truncated` · `…_header_too_large` · `…_bad_json` · `…_duplicate_name` ·
 *                 `…_unknown_dtype` · `…_bad_offsets`
 *   checkpoint    `checkpoint_lfs_pointer` a placeholder in place of the file · `checkpoint_invalid` · `checkpoint_unsupported` · `tokenizer_invalid` · `tensor_missing` ·
 *                 `tensor_unexpected` · `tensor_shape` · `tensor_not_finite`
 */
export type WeightsErrorCode =
  | "not_found"
  | "access_denied"
  | "store_refused"
  | "store_unavailable"
  | "object_changed"
  | "repository_missing"
  | "repository_gated"
  | "revision_missing"
  | "token_refused"
  | "disk_too_small"
  | "memory_too_small"
  | "manifest_invalid"
  | "shard_corrupt"
  | "memory_budget_too_small"
  | "safetensors_truncated"
  | "safetensors_header_too_large"
  | "safetensors_bad_json"
  | "safetensors_duplicate_name"
  | "safetensors_unknown_dtype"
  | "safetensors_bad_offsets"
  | "checkpoint_lfs_pointer"
  | "checkpoint_invalid"
  | "checkpoint_unsupported"
  | "tokenizer_invalid"
  | "tensor_missing"
  | "tensor_unexpected"
  | "tensor_shape"
  | "tensor_not_finite";

/** A fault of weights: its message says what was being done to which object, its code what kind of fault it is. */
export class WeightsError extends Error {
  override readonly name = "WeightsError";
  readonly code: WeightsErrorCode;
  /** How long the server asks to be left alone before the next try. */
  readonly retryAfterMs: number | undefined;
  /** Nobody replied at all. */
  readonly isUnreached: boolean;

  constructor(
    code: WeightsErrorCode,
    message: string,
    options?: ErrorOptions & { readonly retryAfterMs?: number; readonly isUnreached?: boolean },
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
    this.isUnreached = options?.isUnreached ?? false;
  }
}

/** Says whether the same request may succeed later: the store was busy, broken or silent, not wrong. */
export function isRetryable(error: unknown): error is WeightsError {
  return error instanceof WeightsError && error.code === "store_unavailable";
}
