/**
 * Line (from 1) at which a key of a table is set, to tell a person where to change it; where the table lacks the key, that of its
 * header; null where there is no such table. Reads headers and keys alone, which wrangler has found to be TOML.
 */
export function lineOf(toml: string, table: string, key: string): number | null {
  const wanted = table.replace(/\.$/, "");
  let current = "";
  let header: number | null = null;
  for (const [index, line] of toml.split("\n").entries()) {
    const [, name] = /^\s*\[{1,2}\s*([^[\]]+?)\s*\]{1,2}/.exec(line) ?? [];
    if (name !== undefined) current = name;
    if (current !== wanted) continue;
    if (name !== undefined) header ??= index + 1;
    else if (new RegExp(`^\\s*"?${key}"?\\s*=`).test(line)) return index + 1;
  }
  return header;
}
