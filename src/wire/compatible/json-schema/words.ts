import { FIELD_LIMITS, type Field } from "#domain/fields.ts";

/** Where a value stands: names of properties from the root on, and what the objects on the way say of themselves. */
export interface Place {
  readonly path: readonly string[];
  /** Of the objects around it but the root, from the outermost. */
  readonly context: readonly string[];
}

/** Gives fields names that a request may have: the path with dots where it is of letters, else something like it. Each only once. */
export class FieldNames {
  readonly #taken = new Set<string>();

  nameOf(path: readonly string[]): string {
    const plain = path.map(plainName).join(".").slice(0, FIELD_LIMITS.nameLength);
    let name = plain;
    for (let count = 2; this.#taken.has(name); count++) {
      const ending = `-${count}`;
      name = plain.slice(0, FIELD_LIMITS.nameLength - ending.length) + ending;
    }
    this.#taken.add(name);
    return name;
  }
}

/** Names of numbers alone lose their place in an object, and `__proto__` itself: neither is a field's. */
function plainName(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_-]/gu, "_");
  return /^[A-Za-z_]/.test(plain) && plain !== "__proto__" ? plain : `_${plain}`;
}

/** What is asked for a value: its description behind those of the objects around it, or a question made of its name. */
export function instructionsOf(
  type: Field["type"],
  { path, context }: Place,
  description: string | undefined,
): string {
  return [...context.map(asContext), description ?? questionOf(type, path)].join(" ");
}

/** What is asked to learn whether there is an object at all. */
export function presenceInstructions(
  { path, context }: Place,
  description: string | undefined,
): string {
  const what = description ?? wordsOf(path.at(-1) ?? "");
  return [...context.map(asContext), `Does the picture show this: ${what}`].join(" ");
}

/** What an object says of itself to those within. */
export function contextOf(path: readonly string[], description: string | undefined): string {
  return description ?? wordsOf(path.at(-1) ?? "");
}

function asContext(text: string): string {
  return /[.!?:;]$/.test(text) ? text : `${text}:`;
}

function questionOf(type: Field["type"], path: readonly string[]): string {
  const words = wordsOf(path.at(-1) ?? "");
  if (type === "list") return `What are the ${words}?`;
  if (type !== "boolean") return `What is the ${words}?`;
  const [first = "", ...rest] = words.split(" ");
  const isAsking = ["is", "has", "are", "does", "can"].includes(first) && rest.length > 0;
  return isAsking
    ? `${first.charAt(0).toUpperCase()}${first.slice(1)} it ${rest.join(" ")}?`
    : `Is it ${words}?`;
}

/** "isDamaged", "is_damaged" and "is-damaged" as words. */
function wordsOf(name: string): string {
  const words = name.replaceAll(/(\p{Ll})(\p{Lu})/gu, "$1 $2").replaceAll(/[\s_.-]+/gu, " ");
  return words.trim().toLowerCase();
}
