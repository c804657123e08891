/** What can stand in a request: what JSON can. */
export type Value =
  | string
  | number
  | boolean
  | Expression
  | readonly Value[]
  | { readonly [name: string]: Value };

/** Code of the language itself, such as the name of a variable. */
export class Expression {
  readonly code: string;

  constructor(code: string) {
    this.code = code;
  }
}

/** How a language writes values down. */
export interface Notation {
  readonly string: (text: string) => string;
  /** As JSON has them where it is absent. */
  readonly truth?: (value: boolean) => string;
  readonly list: (items: readonly string[], indent: string) => string;
  readonly object: (
    members: readonly (readonly [name: string, value: string])[],
    indent: string,
  ) => string;
}

/** Writes a value in a language, at an indent. */
export function literal(value: Value, notation: Notation, indent = ""): string {
  if (value instanceof Expression) return value.code;
  if (typeof value === "string") return notation.string(value);
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return notation.truth?.(value) ?? String(value);
  const within = `${indent}  `;
  if (isList(value))
    return notation.list(
      value.map((item) => literal(item, notation, within)),
      indent,
    );
  const members = Object.entries(value).map(
    ([name, member]) => [name, literal(member, notation, within)] as const,
  );
  return notation.object(members, indent);
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** A bracketed list, an item a line; on one line where it is short. */
export function bracketed(
  open: string,
  items: readonly string[],
  close: string,
  indent: string,
): string {
  const line = `${open}${items.join(", ")}${close}`;
  const isShort = line.length + indent.length <= SHORT && !line.includes("\n");
  if (isShort) return line;
  const lines = items.map((item) => `${indent}  ${item},\n`).join("");
  return `${open}\n${lines}${indent}${close}`;
}

const SHORT = 72;

/** A string in quotes; characters that no line shows are written as code points by `unit`, from four hex digits. */
export function quoted(text: string, unit: (hex: string) => string): string {
  const plain = text
    .replace(/[\\"]/g, (character) => `\\${character}`)
    .replace(/\n/g, "\\n")
    .replace(/\r/g, "\\r")
    .replace(/\t/g, "\\t");
  const written = plain.replace(/[\p{Cc}\u2028\u2029]/gu, (character) =>
    unit(character.charCodeAt(0).toString(16).padStart(4, "0")),
  );
  return `"${written}"`;
}
