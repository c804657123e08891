import * as z from "zod";

/** Stands for `__proto__` where zod would leave that member out without a word: it makes its results by assignment. */
const PROTO_STAND_IN = "\0__proto__";

/**
 * Schema of an object whose members the caller names, each of that value. Any name is taken; `entriesOf` lists them. Names that are
 * whole numbers come first, ascending, as JSON.parse has them.
 */
export function namedValues<Value>(value: z.ZodType<Value>): z.ZodType<Record<string, Value>> {
  return z.preprocess(withStandIn, z.record(z.string(), value));
}

/** Lists the members of what `namedValues` read by the names that the caller gave them. */
export function entriesOf<Value>(
  values: Readonly<Record<string, Value>>,
): (readonly [name: string, value: Value])[] {
  return Object.entries(values).map(([key, value]) => [nameOf(key), value] as const);
}

/** The name that the caller gave a member. */
export function nameOf(key: string): string {
  return key === PROTO_STAND_IN ? "__proto__" : key;
}

function withStandIn(input: unknown): unknown {
  const isNamed = typeof input === "object" && input !== null && Object.hasOwn(input, "__proto__");
  if (!isNamed || Array.isArray(input)) return input;
  const renamed = Object.entries(input).map(([name, value]): [string, unknown] => [
    name === "__proto__" ? PROTO_STAND_IN : name,
    value,
  ]);
  return Object.fromEntries(renamed);
}
