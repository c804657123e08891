import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

export type Schema = Readonly<Record<string, unknown>>;

/** Checks values against schemas of an OpenAPI document, strictly: what its schemas say is all that they say. */
export class Schemas {
  readonly #ajv: Ajv2020;
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(components: Readonly<Record<string, Schema>>) {
    this.#ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
    addFormats.default(this.#ajv);
    this.#ajv.addSchema({ $id: "components", $defs: relocated(components) });
  }

  /** Says what is wrong with a value, by place; empty where nothing is. Throws Error for a schema that is none. */
  problems(schema: Schema, value: unknown): string[] {
    const key = JSON.stringify(schema);
    const known = this.#compiled.get(key);
    const validate = known ?? this.#ajv.compile(relocated(schema));
    this.#compiled.set(key, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath || "/"} ${message} ${JSON.stringify(params)}`,
    );
  }
}

/** The same with references to where the validator has the components. */
function relocated<Value extends object>(value: Value): Value {
  return JSON.parse(
    JSON.stringify(value).replaceAll('"#/components/schemas/', '"components#/$defs/'),
  );
}

/** A copy that forbids what it does not name: replies may grow, and tests must know all that they grow by. */
export function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const { allOf, ...rest } = schema as Schema;
  const copy: Record<string, unknown> = Object.fromEntries(
    Object.entries(rest).map(([keyword, value]) => [
      keyword,
      literal.has(keyword) ? value : closed(value),
    ]),
  );
  // Parts of one object know only their own fields: the whole of them is closed.
  if (allOf !== undefined) copy["allOf"] = allOf;
  const isObject = "properties" in copy || "allOf" in copy;
  if (isObject && !("additionalProperties" in copy)) copy["unevaluatedProperties"] = false;
  return copy;
}

/** Keywords whose values are values, not schemas. */
const literal: ReadonlySet<string> = new Set(["const", "default", "enum", "examples", "required"]);
