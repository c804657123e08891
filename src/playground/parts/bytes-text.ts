/** Bytes in the unit that gives one to three digits before the point. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const isMega = bytes >= 999_500;
  const value = isMega ? bytes / 1e6 : bytes / 1e3;
  return `${value >= 10 ? Math.round(value) : value.toFixed(1)} ${isMega ? "MB" : "kB"}`;
}
