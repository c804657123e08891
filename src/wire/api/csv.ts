/**
 * Writes rows of one shape as lines of CSV, for a spreadsheet. Text that a spreadsheet would compute gets an apostrophe in
 * front. Source: RFC 4180; OWASP "CSV Injection".
 */
export function csvLines<Row extends object>(
  columns: readonly (keyof Row & string)[],
  rows: readonly Row[],
): string {
  return rows.map((row) => `${columns.map((column) => cell(row[column])).join(",")}\r\n`).join("");
}

/** Writes the head line. */
export function csvHead(columns: readonly string[]): string {
  return `${columns.join(",")}\r\n`;
}

/** How a cell begins that a spreadsheet computes, full-width forms included, or that it takes for the next row's. */
const COMPUTED = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = String(value);
  const safe = COMPUTED.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
