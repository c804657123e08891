/** Providers that take more than this machine's processor. */
export type DeviceProvider = "cuda" | "webgpu";

/** Why a provider that was asked for cannot compute on this machine. */
export type UnavailableKind =
  /** Its files are not where they were looked for. */
  | "files_missing"
  /** They are another version's, or not the bytes that were installed. */
  | "files_wrong"
  /** Libraries that it is built on are not installed. */
  | "libraries_missing"
  | "driver_missing"
  | "driver_too_old"
  | "no_gpu"
  /** The GPU's memory does not take what is to be loaded. */
  | "out_of_memory";

/** A provider that cannot compute here, with what to do about it. Its message says both: only that crosses from thread to thread. */
export class ProviderUnavailableError extends Error {
  override readonly name = "ProviderUnavailableError";
  readonly provider: DeviceProvider;
  readonly kind: UnavailableKind;
  /** What has been found, as a clause. */
  readonly why: string;
  /** What to do next, as a sentence without its full stop. */
  readonly next: string;

  constructor(
    provider: DeviceProvider,
    kind: UnavailableKind,
    { why, next, cause }: { readonly why: string; readonly next: string; readonly cause?: unknown },
  ) {
    super(`provider ${provider} cannot run here (${kind}): ${why}. ${next}`, { cause });
    this.provider = provider;
    this.kind = kind;
    this.why = why;
    this.next = next;
  }
}
