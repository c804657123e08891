import type { JsonScalar } from "./scalar.ts";

/** The JSON value that a schema describes, with fields at the places that are read. */
export type Shape =
  | ObjectShape
  /** What has one value, which nobody needs to read. */
  | { readonly kind: "constant"; readonly value: JsonScalar | null | readonly [] }
  | { readonly kind: "field"; readonly name: string; readonly form: ValueForm };

export interface ObjectShape {
  readonly kind: "object";
  /** Name of the field that says whether there is one; absent: there always is. */
  readonly presence?: string;
  /** In the schema's order. */
  readonly properties: readonly PropertyShape[];
}

export interface PropertyShape {
  readonly name: string;
  readonly shape: Shape;
  readonly absence: Absence;
}

/** What stands for a value that was not read: null where the schema has it, nothing where the property is not required, the guess where neither. */
export type Absence = "null" | "omitted" | "guess";

/** How a field's value becomes the one that the schema describes. */
export type ValueForm =
  | { readonly of: "itself" }
  /** By the option that was read. */
  | { readonly of: "options"; readonly values: ReadonlyMap<string, JsonScalar> }
  /** `maxLength` in characters; `suffix` stands behind it: a time has a zone in JSON. */
  | { readonly of: "text"; readonly maxLength?: number; readonly suffix?: string }
  | {
      readonly of: "list";
      readonly item: ValueForm;
      readonly itemAbsence: Absence;
      readonly isUnique: boolean;
    };
