import { FIELD_LIMITS } from "#domain/fields.ts";
import { outOfPointer } from "#domain/json-pointer.ts";
import { isRule } from "./rules.ts";
import { inside, membersOf, type Said, type SchemaWalk } from "./walk.ts";

/** A schema with its references followed and its unions of one taken apart. */
export interface SchemaNode {
  /** What it says, by keyword. `$ref`, `allOf`, `anyOf` and `oneOf` are none of them any more, and `type` is one. */
  readonly keywords: ReadonlyMap<string, Said>;
  readonly pointer: string;
  /** Whether null is one of its values; it is named in `type` and `enum` no more. */
  readonly isNullable: boolean;
  /** What the values of an enumeration mean, where its parts say it. */
  readonly meanings: ReadonlyMap<unknown, string>;
  /** Pointers of the schemas that were referred to on the way here. */
  readonly followed: readonly string[];
}

type Keywords = Map<string, Said>;

/** Threat: a schema of a hundred thousand keywords, looked at anew with each reference to it. JSON Schema has some sixty. */
const MAX_KEYWORDS = 100;

/** Characters of a `$ref`. Threat: one that is taken apart for ever, as often as it is met. Five names of 64 characters are 400. */
const MAX_REF_LENGTH = 1_000;

/** Keywords that compose others. */
const unions = ["anyOf", "oneOf"] as const;

/** Follows what a schema refers to and takes unions of one apart. Undefined, with a fault, where it cannot be read. */
export function unfold(
  said: Said,
  walk: SchemaWalk,
  followed: readonly string[],
): SchemaNode | undefined {
  const keywords = keywordsOf(said, walk);
  return keywords === undefined
    ? undefined
    : unfolded({ keywords, pointer: said.pointer, isNullable: false, followed }, walk);
}

interface Unfolding extends Omit<SchemaNode, "meanings"> {
  readonly keywords: Keywords;
}

function unfolded(from: Unfolding, walk: SchemaWalk): SchemaNode | undefined {
  let node: Unfolding | undefined = from;
  while (node !== undefined) {
    if (!walk.looks(node.pointer)) return undefined;
    const union = unions.find((name) => node?.keywords.has(name));
    if (node.keywords.has("$ref")) node = referred(node, walk);
    else if (node.keywords.has("allOf")) node = onlyOf(node, walk);
    else if (union === undefined) return typed(node, walk);
    else {
      const parts = partsOf(node, union, walk);
      if (parts === undefined) return undefined;
      const { rest, others, isNullable } = parts;
      const [first, second] = others;
      if (second !== undefined)
        return enumerated({ ...node, keywords: rest, isNullable }, others, walk);
      node =
        first === undefined
          ? { ...node, keywords: rest.set("type", { value: "null", pointer: node.pointer }) }
          : merged({ ...node, keywords: rest, isNullable }, first, walk);
    }
  }
  return undefined;
}

function keywordsOf({ value, pointer }: Said, walk: SchemaWalk): Keywords | undefined {
  const members = membersOf(value);
  if (members === undefined)
    return walk.refuse(
      pointer,
      "must be an object that says a type: this takes any value, or none",
    );
  if (members.length > MAX_KEYWORDS)
    return walk.refuse(pointer, `has more than ${MAX_KEYWORDS} keywords`);
  return new Map(
    members.map(([name, own]) => [name, { value: own, pointer: inside(pointer, name) }]),
  );
}

function referred(node: Unfolding, walk: SchemaWalk): Unfolding | undefined {
  const { value, pointer } = node.keywords.get("$ref")!;
  const path = localPath(value);
  if (path === undefined)
    return walk.refuse(pointer, 'must refer to a part of this very schema, such as "#/$defs/Box"');
  const target = targetOf(walk.root, path);
  if (target === undefined) return walk.refuse(pointer, "refers to nothing in this schema");
  if (node.followed.includes(target.pointer))
    return walk.refuse(pointer, "refers to itself: a canvas has no room for what has no end");
  const keywords = new Map(node.keywords);
  keywords.delete("$ref");
  const followed = [...node.followed, target.pointer];
  return merged({ ...node, keywords, pointer: target.pointer, followed }, target, walk);
}

/** Names on the way from the root; undefined of what refers elsewhere. */
function localPath(reference: unknown): string[] | undefined {
  if (typeof reference !== "string" || reference.length > MAX_REF_LENGTH) return undefined;
  if (reference === "#") return [];
  if (!reference.startsWith("#/")) return undefined;
  try {
    return decodeURIComponent(reference).slice("#/".length).split("/").map(outOfPointer);
  } catch {
    return undefined;
  }
}

function targetOf(root: unknown, path: readonly string[]): Said | undefined {
  let value = root;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return { value, pointer: inside("", ...path) };
}

function onlyOf(node: Unfolding, walk: SchemaWalk): Unfolding | undefined {
  const { value, pointer } = node.keywords.get("allOf")!;
  if (!Array.isArray(value) || value.length !== 1)
    return walk.refuse(pointer, "has to have one part: write what several say together as one");
  const keywords = new Map(node.keywords);
  keywords.delete("allOf");
  return merged({ ...node, keywords }, { value: value[0], pointer: inside(pointer, 0) }, walk);
}

/** Adds what another schema says. What describes a value is better said where it is used; two rules of one name are too many. */
function merged(node: Unfolding, said: Said, walk: SchemaWalk): Unfolding | undefined {
  const keywords = keywordsOf(said, walk);
  if (keywords === undefined) return undefined;
  for (const [name, own] of node.keywords) {
    const other = keywords.get(name);
    // Lists and objects are never compared: they may be large, and be compared as often as they are referred to.
    if (other !== undefined && isRule(name) && other.value !== own.value)
      return walk.refuse(own.pointer, `is said twice, here and in ${said.pointer}: say it once`);
    keywords.set(name, own);
  }
  return { ...node, keywords };
}

interface Parts {
  readonly rest: Keywords;
  /** The parts that are not null. */
  readonly others: readonly Said[];
  readonly isNullable: boolean;
}

function partsOf(
  node: Unfolding,
  name: (typeof unions)[number],
  walk: SchemaWalk,
): Parts | undefined {
  const { value, pointer } = node.keywords.get(name)!;
  if (!Array.isArray(value) || value.length === 0 || value.length > FIELD_LIMITS.options + 1)
    return walk.refuse(pointer, `must be a list of 1 to ${FIELD_LIMITS.options + 1} schemas`);
  const rest = new Map(node.keywords);
  rest.delete(name);
  const parts = value.map((own: unknown, index) => ({
    value: own,
    pointer: inside(pointer, index),
  }));
  const others = parts.filter((part) => !isNull(part.value));
  return { rest, others, isNullable: node.isNullable || others.length < parts.length };
}

function isNull(schema: unknown): boolean {
  const says = new Map(membersOf(schema) ?? []);
  return says.get("type") === "null" || (says.has("const") && says.get("const") === null);
}

/** A union whose parts are values: one enumeration. */
function enumerated(
  node: Unfolding,
  parts: readonly Said[],
  walk: SchemaWalk,
): SchemaNode | undefined {
  const { pointer } = node;
  const meanings = new Map<unknown, string>();
  const values: unknown[] = [];
  let { isNullable } = node;
  for (const part of parts) {
    const own = unfold(part, walk, node.followed);
    if (own === undefined) return undefined;
    const listed = listedValues(own.keywords, walk);
    if (listed === undefined)
      return walk.refuse(
        part.pointer,
        "a value has one form here: leave one part (and null), or make every part a const or an enum",
      );
    const description = own.keywords.get("description")?.value;
    if (typeof description === "string")
      for (const value of listed) meanings.set(value, description);
    for (const [value, meaning] of own.meanings) meanings.set(value, meaning);
    values.push(...listed);
    isNullable ||= own.isNullable;
  }
  const keywords = new Map(node.keywords).set("enum", { value: values, pointer });
  return { ...node, keywords, isNullable, meanings };
}

/** The values that a schema lists; undefined where it lists none. */
export function listedValues(
  keywords: ReadonlyMap<string, Said>,
  walk: SchemaWalk,
): readonly unknown[] | undefined {
  const only = keywords.get("const");
  if (only !== undefined) return [only.value];
  const list = keywords.get("enum");
  if (list === undefined) return undefined;
  if (Array.isArray(list.value) && list.value.length <= FIELD_LIMITS.options + 1) return list.value;
  return walk.refuse(list.pointer, `must be a list of ${FIELD_LIMITS.options} values at most`);
}

/** Leaves one type, and says apart whether null is possible. */
function typed(node: Unfolding, walk: SchemaWalk): SchemaNode | undefined {
  const keywords = new Map(node.keywords);
  let { isNullable } = node;
  const type = keywords.get("type");
  if (type !== undefined && Array.isArray(type.value)) {
    const types = type.value.filter((name) => name !== "null");
    if (types.length > 1)
      return walk.refuse(type.pointer, "a value has one type here, and null beside it at most");
    isNullable ||= types.length < type.value.length;
    keywords.set("type", { ...type, value: types[0] ?? "null" });
  }
  const list = keywords.get("enum");
  if (list !== undefined && Array.isArray(list.value) && list.value.includes(null)) {
    isNullable = true;
    keywords.set("enum", { ...list, value: list.value.filter((value) => value !== null) });
  }
  return { ...node, keywords, isNullable, meanings: new Map() };
}
