import type { Said, SchemaWalk } from "./walk.ts";

const elsewhere = "cannot be held: describe values with type, enum, properties and items alone";

/**
 * Keywords that rule what a value may be, with why those are refused that no field can hold. Everything else is passed over, as JSON
 * Schema has it. Source: draft 2020-12, Core section 10 and Validation section 6, and what older drafts called them.
 */
const rules: ReadonlyMap<string, string> = new Map([
  ...["$ref", "allOf", "anyOf", "oneOf", "type", "const", "enum", "properties", "required"].map(
    (name) => [name, "is not for a value of this type: leave it out"] as const,
  ),
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"].map(
    (name) => [name, "is for numbers: leave it out"] as const,
  ),
  ...["items", "maxItems", "uniqueItems"].map(
    (name) => [name, "is for lists: leave it out"] as const,
  ),
  ["additionalProperties", "is for objects: leave it out"],
  ["format", "of this kind cannot be held: there are date, time and date-time"],
  ["maxLength", "is for free text: leave it out"],
  ["pattern", "cannot be held: list the values as an enum, or leave it out and check it yourself"],
  ["minLength", "cannot be held: what the picture does not show is an empty text. Leave it out"],
  ["minItems", "cannot be held: a list has as many items as the picture shows. Leave it out"],
  ["prefixItems", "cannot be held: give each item a property of its own"],
  ["additionalItems", "cannot be held: give each item a property of its own"],
  ["patternProperties", "cannot be held: name every property"],
  ["propertyNames", "cannot be held: name every property"],
  ...[
    ...["not", "if", "then", "else", "dependentSchemas", "dependentRequired", "dependencies"],
    ...["contains", "minContains", "maxContains", "minProperties", "maxProperties"],
    ...["unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef"],
    ...["contentEncoding", "contentMediaType", "contentSchema"],
  ].map((name) => [name, elsewhere] as const),
]);

/** Whether a keyword rules what a value may be. */
export function isRule(keyword: string): boolean {
  return rules.has(keyword);
}

/** Whether keywords have no rules but those of their kind; each other one is a fault. */
export function obeys(
  { keywords }: { readonly keywords: ReadonlyMap<string, Said> },
  own: readonly string[],
  walk: SchemaWalk,
): boolean {
  const others = [...keywords].filter(([name]) => isRule(name) && !own.includes(name));
  for (const [name, { pointer }] of others) walk.refuse(pointer, rules.get(name) ?? elsewhere);
  return others.length === 0;
}
