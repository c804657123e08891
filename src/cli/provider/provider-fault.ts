/** Why provider files could not be installed, and what to do next. */
export class ProviderFault extends Error {
  override readonly name = "ProviderFault";
  /** A sentence. */
  readonly next: string;
  /** Whether the same command may succeed later. */
  readonly isRetryable: boolean;

  constructor(
    message: string,
    next: string,
    {
      isRetryable = false,
      cause,
    }: { readonly isRetryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.next = next;
    this.isRetryable = isRetryable;
  }
}
