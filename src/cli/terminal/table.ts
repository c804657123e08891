/** Writes rows under a head, in columns as wide as their widest cell; columns of numbers stand to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const isNumber = head.map(
    (_, column) =>
      rows.length > 0 &&
      rows.every(
        (row) => /^[$0-9.,+-]+$/.test(row[column] ?? "") && !/^\d{4}-/.test(row[column] ?? ""),
      ),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isNumber[column] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return [head, ...rows].map((cells) => `${line(cells)}\n`).join("");
}

/** Writes micro-dollars as dollars, every digit of them: prices are often less than a cent. */
export function dollars(micros: number): string {
  const sign = micros < 0 ? "-" : "";
  const amount = BigInt(Math.abs(micros));
  const fraction = String(amount % 1_000_000n).padStart(6, "0");
  return `${sign}$${amount / 1_000_000n}.${fraction}`;
}

/** Reads dollars, such as 1, 0.5 or $2.000001, as micro-dollars; undefined where it is none. */
export function parseDollars(text: string): number | undefined {
  const [, whole, fraction = ""] = /^\$?([0-9]{1,9})(?:\.([0-9]{1,6}))?$/.exec(text) ?? [];
  return whole === undefined
    ? undefined
    : Number(whole) * 1_000_000 + Number(fraction.padEnd(6, "0"));
}
