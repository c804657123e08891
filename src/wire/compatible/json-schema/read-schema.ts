import { checkNamedFields, type FieldFault } from "#domain/check-fields.ts";
import type { FieldProblem } from "#domain/failure.ts";
import { FIELD_LIMITS, type NamedField } from "#domain/fields.ts";
import type { ReadStyle } from "#domain/read-style.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { type SchemaNode, unfold } from "./node.ts";
import { obeys } from "./rules.ts";
import type { Absence, ObjectShape, PropertyShape, Shape } from "./shape.ts";
import { schemaOfValue, typeOf } from "./values.ts";
import { inside, membersOf, type Said, SchemaWalk } from "./walk.ts";
import {
  contextOf,
  FieldNames,
  instructionsOf,
  type Place,
  presenceInstructions,
} from "./words.ts";

/**
 * Objects within objects, the root counted. Threat: a schema that is nothing but depth, which is walked by calls within calls. Five are
 * what OpenAI's strict schemas had first, and more than a picture's values are grouped by.
 */
const MAX_DEPTH = 5;

/**
 * Properties of one object, those within not counted. Threat: constants without end, which are no fields and so not counted as such.
 * Twice what a request can have as fields.
 */
const MAX_PROPERTIES: number = 2 * FIELD_LIMITS.fields;

/** A JSON Schema as what is read off a picture, and back. */
export interface SchemaReading {
  readonly fields: readonly NamedField[];
  readonly shape: ObjectShape;
  /** What the schema says of itself; "" for nothing. */
  readonly description: string;
  /** What it leaves open, as it was read: "/properties/count is read from −999 to 9999". */
  readonly assumed: readonly string[];
  /** Where in the schema a field comes from, as a JSON Pointer from its root. */
  readonly origins: ReadonlyMap<string, string>;
}

/** Why a schema cannot be read, with pointers from its root. */
export interface SchemaFault {
  readonly kind: "unsupported" | FieldFault["kind"];
  readonly problems: readonly FieldProblem[];
}

/**
 * Reads a JSON Schema as fields: an object of booleans, enumerations, numbers, dates, texts, lists of them, and objects of such. Names
 * become dotted paths, descriptions what is asked. What a canvas of fixed places cannot hold is refused, each fault with where it
 * stands; keywords that rule nothing are passed over. Takes drafts 7 to 2020-12 as OpenAI's clients, Pydantic and zod write them.
 * @param style of the model that is to read it
 */
export function readSchema(schema: unknown, style: ReadStyle): Result<SchemaReading, SchemaFault> {
  const reader = new SchemaReader(schema, style);
  const read = reader.read();
  const { walk, fields } = reader;
  if (walk.faults.length > 0 || read === undefined)
    return refuse({ kind: "unsupported", problems: walk.faults });
  const checked = checkNamedFields(fields);
  if (checked.ok) return ok({ ...read, fields, assumed: walk.assumed });
  const { kind, pointer, problem } = checked.refusal;
  const [, name = ""] = pointer.split("/");
  const origin = read.origins.get(name) ?? "";
  return refuse({ kind, problems: [{ pointer: origin, message: problem }] });
}

class SchemaReader {
  readonly walk: SchemaWalk;
  readonly fields: NamedField[] = [];
  readonly #names = new FieldNames();
  readonly #origins = new Map<string, string>();

  constructor(schema: unknown, style: ReadStyle) {
    this.walk = new SchemaWalk(schema, style);
  }

  read(): Omit<SchemaReading, "fields" | "assumed"> | undefined {
    const node = unfold({ value: this.walk.root, pointer: "" }, this.walk, [""]);
    if (node === undefined) return undefined;
    if (typeOf(node) !== "object" || node.isNullable)
      return this.walk.refuse(node.pointer, "the root must be an object: give the value a name");
    const shape = this.#object(node, { path: [], context: [] });
    if (shape === undefined) return undefined;
    if (this.fields.length === 0 && this.walk.faults.length === 0)
      return this.walk.refuse(node.pointer, "has no value that is to be read off the picture");
    return { shape, description: descriptionOf(node) ?? "", origins: this.#origins };
  }

  #object(node: SchemaNode, place: Place): ObjectShape | undefined {
    const { keywords, pointer } = node;
    const own = ["type", "properties", "required", "additionalProperties"];
    if (!obeys(node, own, this.walk)) return undefined;
    const said = keywords.get("properties");
    const members = membersOf(said?.value);
    if (said === undefined || members === undefined)
      return this.walk.refuse(said?.pointer ?? pointer, "an object must name its properties");
    if (members.length > MAX_PROPERTIES)
      return this.walk.refuse(said.pointer, `has more than ${MAX_PROPERTIES} properties`);
    if (place.path.length >= MAX_DEPTH)
      return this.walk.refuse(pointer, `lies deeper than ${MAX_DEPTH} objects within each other`);
    const required = this.#requiredOf(node, new Map(members));
    const properties = members.flatMap(([name, value]): readonly PropertyShape[] => {
      const part = { value, pointer: inside(said.pointer, name) };
      const shape = this.#property(part, node, name, place, required.has(name));
      return shape === undefined ? [] : [shape];
    });
    return { kind: "object", properties };
  }

  #requiredOf(node: SchemaNode, properties: ReadonlyMap<string, unknown>): ReadonlySet<unknown> {
    const said = node.keywords.get("required");
    if (said === undefined) return new Set();
    if (!Array.isArray(said.value) || said.value.length > MAX_PROPERTIES) {
      this.walk.refuse(said.pointer, `must be a list of ${MAX_PROPERTIES} names at most`);
      return new Set();
    }
    for (const [index, name] of said.value.entries())
      if (!properties.has(name))
        this.walk.refuse(
          inside(said.pointer, index),
          "names no property: describe it, or leave it out",
        );
    return new Set(said.value);
  }

  #property(
    part: Said,
    { followed }: SchemaNode,
    name: string,
    around: Place,
    isRequired: boolean,
  ): PropertyShape | undefined {
    const node = unfold(part, this.walk, followed);
    if (node === undefined) return undefined;
    const place: Place = { path: [...around.path, name], context: around.context };
    const absence: Absence = node.isNullable ? "null" : isRequired ? "guess" : "omitted";
    const shape =
      typeOf(node) === "object" ? this.#group(node, place) : this.#value(node, place, absence);
    return shape === undefined ? undefined : { name, shape, absence };
  }

  /** An object within another. Where it may be null, a field says whether there is one. */
  #group(node: SchemaNode, place: Place): ObjectShape | undefined {
    const description = descriptionOf(node);
    const within = [...place.context, contextOf(place.path, description)];
    const presence = node.isNullable
      ? this.#add(place.path, node, {
          type: "boolean",
          instructions: presenceInstructions(place, description),
        })
      : undefined;
    const shape = this.#object(node, { path: place.path, context: within });
    return shape === undefined || presence === undefined ? shape : { ...shape, presence };
  }

  #value(node: SchemaNode, place: Place, absence: Absence): Shape | undefined {
    const read = schemaOfValue(node, absence, this.walk);
    if (read === undefined) return undefined;
    if (read.kind === "known") return { kind: "constant", value: read.value };
    // A boolean that may be null is a choice, and asked like a boolean.
    const type = typeOf(node) === "boolean" ? "boolean" : read.field.type;
    const instructions = instructionsOf(type, place, descriptionOf(node));
    const name = this.#add(place.path, node, { ...read.field, instructions });
    return { kind: "field", name, form: read.form };
  }

  #add(path: readonly string[], node: SchemaNode, field: NamedField["field"]): string {
    const name = this.#names.nameOf(path);
    if (this.fields.length === FIELD_LIMITS.fields)
      this.walk.refuse(
        node.pointer,
        `is one value more than the ${FIELD_LIMITS.fields} that are read at once: ask for the rest by itself`,
      );
    this.fields.push({ name, field });
    this.#origins.set(name, node.pointer);
    return name;
  }
}

function descriptionOf({ keywords }: SchemaNode): string | undefined {
  const text = keywords.get("description")?.value;
  return typeof text === "string" && text.trim() !== "" ? text.trim() : undefined;
}
