import { type Members, RowFault, type TestMessage } from "./test-question.ts";

/** Reads a text, or a list of texts; numbers and truths as they are written, {answer} and {text} as what they hold. Absent is an empty list. */
export function textsOf(value: unknown, name: string, isText: boolean): readonly string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return (isText ? literalList(value) : undefined) ?? [value];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((one) => {
    const text = plainText(one);
    if (text === undefined) throw new RowFault(`"${name}" must be a text or a list of texts`);
    return text;
  });
}

function plainText(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
      return String(value);
    case "boolean":
      return value ? "yes" : "no";
    case "object": {
      if (value === null) return undefined;
      const { answer, text }: { answer?: unknown; text?: unknown } = value;
      return typeof answer === "string" ? answer : typeof text === "string" ? text : undefined;
    }
    default:
      return undefined;
  }
}

/**
 * Reads choices: a list, the text of one as MMMU has it (`['a dog', 'a cat']`), {A: …, B: …}, or {text: […], label: […]} as of
 * ARC. Throws RowFault where it is none of these.
 */
export function choicesOf(value: unknown, name: string): readonly string[] {
  if (typeof value === "string") {
    const list = literalList(value);
    if (list !== undefined) return list;
    throw new RowFault(
      `"${name}" must be a list of texts, and is ${JSON.stringify(value.slice(0, 60))}`,
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return textsOf(value, name, false);
  const { text }: { text?: unknown } = value;
  if (Array.isArray(text)) return textsOf(text, name, false);
  return Object.keys(value)
    .filter((key) => /^[A-Z]$/.test(key))
    .toSorted()
    .flatMap((key) => textsOf((value as Members)[key], `${name}.${key}`, false));
}

/** One item of a list as Python writes it: a text in either kind of quotes, or something plain, and what parts it from the next. */
const LITERAL_ITEM =
  /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^'",[\]\s][^,[\]]*?))\s*(,|$)/suy;

/** Reads the text of a list, JSON's or Python's; undefined where it is none. An empty list is one. */
export function literalList(text: string): readonly string[] | undefined {
  const [, inner] = /^\s*\[(.*)\]\s*$/s.exec(text) ?? [];
  if (inner === undefined) return undefined;
  if (inner.trim() === "") return [];
  const items: string[] = [];
  const pattern = new RegExp(LITERAL_ITEM);
  for (;;) {
    const item = pattern.exec(inner);
    if (item === null) return undefined;
    const [, single, double, plain, part] = item;
    items.push((single ?? double ?? plain ?? "").replace(/\\(.)/gsu, unescaped));
    if (part === "") return items;
    if (inner.slice(pattern.lastIndex).trim() === "") return items;
  }
}

function unescaped(_whole: string, mark: string): string {
  return mark === "n" ? "\n" : mark === "t" ? "\t" : mark;
}

/** Roles as LLaVA's conversations call them, and as everybody else does. */
const ROLES: ReadonlyMap<unknown, TestMessage["role"]> = new Map([
  ["system", "system"],
  ["user", "user"],
  ["human", "user"],
  ["assistant", "assistant"],
  ["gpt", "assistant"],
]);

/** Reads a conversation: `{role, content}` or LLaVA's `{from, value}`. Throws RowFault. */
export function conversationOf(value: unknown, name: string): readonly TestMessage[] {
  if (!Array.isArray(value)) throw new RowFault(`"${name}" must be a list of {role, content}`);
  return value.map((message: unknown) => {
    const {
      role,
      from,
      content,
      value: said,
    }: Readonly<Record<string, unknown>> = typeof message === "object" && message !== null
      ? { ...message }
      : {};
    const who = ROLES.get(role ?? from);
    const text = content ?? said;
    if (who === undefined || typeof text !== "string")
      throw new RowFault(`"${name}" must be a list of {role, content}`);
    return { role: who, content: text };
  });
}
