/** Keeps what a model wrote from steering the terminal; line ends and tabs are text. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "\u{FFFD}");
}

/** The same for what has one line, which it may not leave. */
export function printableLine(text: string): string {
  return text.replace(/\p{Cc}/gu, "\u{FFFD}");
}
