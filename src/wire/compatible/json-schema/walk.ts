import type { FieldProblem } from "#domain/failure.ts";
import { inPointer } from "#domain/json-pointer.ts";
import type { ReadStyle } from "#domain/read-style.ts";
import { MAX_FIELD_PROBLEMS } from "../../limits.ts";

/**
 * Subschemas that are looked at, each `$ref` to one counted anew. Threat: `$ref`s that double at every level, so that a small schema
 * is a huge one (2⁶⁴ of 64). A schema of as many fields as are read has about 200.
 */
const MAX_SUBSCHEMAS = 2_000;

/** Characters of a pointer that is echoed: names in it are the caller's. */
const MAX_POINTER_LENGTH = 300;

/** A part of the caller's schema, and where it stands: a JSON Pointer from the schema's root. */
export interface Said {
  readonly value: unknown;
  readonly pointer: string;
}

/** One walk through a schema: what is wrong with it, and what had to be assumed. */
export class SchemaWalk {
  readonly faults: FieldProblem[] = [];
  /** What the schema leaves open, as it was read: "/properties/count is read from −999 to 9999". */
  readonly assumed: string[] = [];
  readonly root: unknown;
  /** How the model is asked that is to read it. */
  readonly style: ReadStyle;
  #looks = 0;

  constructor(root: unknown, style: ReadStyle) {
    this.root = root;
    this.style = style;
  }

  /** Notes a fault; returns undefined, which stands for a part that cannot be read. */
  refuse(pointer: string, message: string): undefined {
    if (this.faults.length < MAX_FIELD_PROBLEMS)
      this.faults.push({ pointer: pointer.slice(0, MAX_POINTER_LENGTH), message });
    return undefined;
  }

  assume(pointer: string, how: string): void {
    this.assumed.push(`${pointer.slice(0, MAX_POINTER_LENGTH)} ${how}`);
  }

  /** Counts a look at a subschema; false where there were too many, or enough is wrong with it already. */
  looks(pointer: string): boolean {
    if (this.faults.length === MAX_FIELD_PROBLEMS) return false;
    this.#looks += 1;
    if (this.#looks <= MAX_SUBSCHEMAS) return true;
    if (this.#looks === MAX_SUBSCHEMAS + 1)
      this.refuse(
        pointer,
        `the schema has more than ${MAX_SUBSCHEMAS} parts, each $ref followed: describe less`,
      );
    return false;
  }
}

/** Source: RFC 6901 section 3. */
export function inside(pointer: string, ...names: readonly (string | number)[]): string {
  const escaped = names.map((name) => `/${inPointer(String(name))}`);
  return pointer + escaped.join("");
}

/** The members of an object; undefined of anything else. */
export function membersOf(value: unknown): readonly (readonly [string, unknown])[] | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value)
    : undefined;
}
