/** A value that is no list, no object and not null. */
export type JsonScalar = string | number | boolean;

export function isScalar(value: unknown): value is JsonScalar {
  return ["string", "number", "boolean"].includes(typeof value);
}
