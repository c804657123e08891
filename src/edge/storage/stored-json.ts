/**
 * JSON that lies in a column for longer than one version of the code: it carries the version of its shape, older ones are
 * brought up to date by the code that reads them, and what is not what it should be is never believed.
 */
export interface StoredJson<Value> {
  write(value: Value): string;
  /** Throws StoredJsonError where the text is damaged, of a newer version, or has another shape. */
  read(text: string): Value;
}

/** What is stored is not what this Worker can read. */
export class StoredJsonError extends Error {
  override readonly name = "StoredJsonError";
}

/** How one kind of stored JSON is written and read. */
export interface StoredKind<Value> {
  /** For errors: `answer terms`. */
  readonly name: string;
  /** Whether a value of the newest version is one. Members that it does not know are kept: a newer Worker may have added them. */
  readonly is: Check<Value>;
  /**
   * The nth brings a value of version n to version n + 1, so the newest version is their number. The first reads what was
   * stored before versions were written down, which lies there bare.
   */
  readonly upgrades: readonly Upgrade[];
}

export type Upgrade = (value: unknown) => unknown;

/** A type guard that says nothing of how it knows. */
export type Check<Value> = (value: unknown) => value is Value;

/** An upgrade for a version whose values already have the shape of the next. */
export const unchanged: Upgrade = (value) => value;

/** An upgrade for a version that has members which the one before did not know. */
export function withDefaults(members: Readonly<Record<string, unknown>>): Upgrade {
  return (value) => (typeof value === "object" ? { ...members, ...value } : value);
}

/** Makes the writer and reader of a kind. Bigints are kept as such. */
export function storedJson<Value>({ name, is, upgrades }: StoredKind<Value>): StoredJson<Value> {
  const newest = upgrades.length;
  return {
    write: (value) => {
      const stored: Stored = { [VERSION]: newest, value };
      return JSON.stringify(stored, writeBigint);
    },
    read: (text) => {
      const { version, value } = unwrap(parse(name, text));
      if (version > newest)
        throw new StoredJsonError(
          `${name} of version ${version}, this Worker reads up to ${newest}: deploy one at least as new as the one that wrote it`,
        );
      const upgraded = upgrades.slice(version).reduce((older, upgrade) => upgrade(older), value);
      if (!is(upgraded))
        throw new StoredJsonError(`${name} has another shape than version ${newest}`);
      return upgraded;
    },
  };
}

/**
 * Reads JSON that has no version of its own because SQL looks into it or patches it: the table's migrations version it.
 * Throws StoredJsonError where the text is damaged or has another shape.
 */
export function readChecked<Value>(name: string, is: Check<Value>, text: string): Value {
  const value = parse(name, text);
  if (!is(value)) throw new StoredJsonError(`${name} has another shape`);
  return value;
}

/** No value of ours has a member of this name, so what has it is wrapped. */
const VERSION = "stored_version";

type Stored = { readonly [VERSION]: number; readonly value: unknown };

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text, readBigint);
  } catch (cause) {
    throw new StoredJsonError(`${name} is not JSON`, { cause });
  }
}

function unwrap(parsed: unknown): { readonly version: number; readonly value: unknown } {
  if (typeof parsed !== "object" || parsed === null || !(VERSION in parsed))
    return { version: 0, value: parsed };
  const { [VERSION]: version, value } = parsed as Stored;
  if (!Number.isSafeInteger(version) || version < 1)
    throw new StoredJsonError(`a stored version is a whole number from 1, not ${version}`);
  return { version, value };
}

function writeBigint(_: string, member: unknown): unknown {
  return typeof member === "bigint" ? { bigint: String(member) } : member;
}

function readBigint(_: string, member: unknown): unknown {
  if (typeof member !== "object" || member === null) return member;
  const { bigint }: { bigint?: unknown } = member;
  return typeof bigint === "string" ? BigInt(bigint) : member;
}

/** What a member may be; `null` or `absent` beside it where the type says so. */
export type Tag =
  | "string"
  | "number"
  | "boolean"
  | "bigint"
  | "object"
  | "array"
  | "null"
  | "absent";

/**
 * Checks the members of an object, each of them named so that a new one cannot be forgotten. It looks one level deep:
 * enough to tell a value of another kind or version apart, which is what a stored value can be; ours is the only writer.
 */
export function membersOf<Value extends object>(
  members: Readonly<Record<keyof Value, Tag | readonly Tag[]>>,
): Check<Value> {
  const expected = Object.entries<Tag | readonly Tag[]>(members);
  return (value): value is Value =>
    tagOf(value) === "object" &&
    expected.every(([name, tags]) => {
      const tag = tagOf((value as Readonly<Record<string, unknown>>)[name]);
      return typeof tags === "string" ? tag === tags : tags.includes(tag);
    });
}

/** Checks that a value is a list of strings. */
export const isStrings: Check<readonly string[]> = (value): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

/** Checks that a value is a list of objects. */
export function isObjects<Value extends object>(value: unknown): value is readonly Value[] {
  return Array.isArray(value) && value.every((one) => tagOf(one) === "object");
}

function tagOf(value: unknown): Tag {
  if (value === undefined) return "absent";
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  if (type === "function" || type === "symbol" || type === "undefined") return "absent";
  return type;
}
