/**
 * Writes a value of JSON in one form: members by their names in the order of UTF-16 code units, no spaces, absent ones left out. Equal
 * values are equal texts. For objects whose members have names of ours: whole numbers would stand before all others. Source: RFC 8785 (JCS), whose numbers and strings are those of JSON.stringify.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => sorted(member));
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const names = Object.keys(value).sort();
  const members = new Map<string, unknown>(Object.entries(value));
  return Object.fromEntries(names.map((name) => [name, members.get(name)]));
}
