import type { WeightsError, WeightsErrorCode } from "#weights/weights-error.ts";

const DAMAGED_FILE = "The checkpoint's file is damaged or cut short: download it again.";
const OTHER_NETWORK =
  "Nothing was published. Only LLaDA and LLaDA-V checkpoints with these sizes and settings can be run.";

const NEXT_STEPS: Readonly<Record<WeightsErrorCode, string>> = {
  not_found: "Check the address and the names of what lies there.",
  access_denied:
    "Check who may read or write there: the store's keys (UNMASK_S3_* in infra/docs/settings.md), or the folder's owner.",
  store_refused: "Check the address and the endpoint; trying again will not help.",
  store_unavailable: "Run the same command again later; what is stored already is kept.",
  object_changed: "Wait until nothing writes there any more, then run the same command again.",
  repository_missing: "Check how the repository is written: org/name.",
  repository_gated: "Once access is given, run the same command again.",
  revision_missing: "Name a branch, tag or commit that there is, or none for the newest.",
  token_refused: "Set HF_TOKEN to a token that is good, or unset it for what is public.",
  disk_too_small: "Make room, name another folder, or choose a smaller format (--format q4).",
  memory_too_small: "Choose a smaller format (--format q4), or a machine with more memory.",
  manifest_invalid: "Convert the model again, or name another version.",
  shard_corrupt: "The stored bundle is damaged: convert or copy it again, which mends it.",
  memory_budget_too_small: "Allow more memory, or convert to a smaller format.",
  safetensors_truncated: DAMAGED_FILE,
  safetensors_header_too_large: DAMAGED_FILE,
  safetensors_bad_json: DAMAGED_FILE,
  safetensors_duplicate_name: DAMAGED_FILE,
  safetensors_unknown_dtype: "Save the checkpoint as F32, F16 or BF16 and convert that.",
  safetensors_bad_offsets: DAMAGED_FILE,
  checkpoint_lfs_pointer:
    "Fetch the files themselves (git lfs pull, or the hub's own download), then run the same command again.",
  checkpoint_invalid: "Check the address; correct the file that is named, or download it again.",
  checkpoint_unsupported: OTHER_NETWORK,
  tokenizer_invalid: "Download the tokenizer's files again, or convert with --ids-only.",
  tensor_missing: "Download all files of the checkpoint; the index names them.",
  tensor_unexpected: OTHER_NETWORK,
  tensor_shape: OTHER_NETWORK,
  tensor_not_finite:
    "The weights are damaged or overflow the format: download them again, or try f32.",
};

/** Says what went wrong with weights, with its code, why, and what to do next. No stack: the fault is outside of the program. */
export function weightsFault(error: WeightsError): string {
  const reasons: string[] = [];
  for (let { cause } = error; cause instanceof Error; { cause } = cause) {
    reasons.push(`\n  because ${cause.message}`);
  }
  return `${error.message} [${error.code}]${reasons.join("")}\n${NEXT_STEPS[error.code]}`;
}
