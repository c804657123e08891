import type { Schema } from "./schemas.ts";

/** Reads a form as OpenAPI says that it is written: numbers as text, lists as repeated parts, objects as JSON. */
export async function formValue(
  bytes: Uint8Array,
  contentType: string,
  schema: Schema,
): Promise<unknown> {
  const form = await new Response(Buffer.from(bytes), {
    headers: { "content-type": contentType },
  }).formData();
  const properties = schema["properties"] as Readonly<Record<string, Schema>> | undefined;
  const entries = [...new Set(form.keys())].map((name) => [
    name,
    partsValue(form.getAll(name), properties?.[name] ?? {}),
  ]);
  return Object.fromEntries(entries);
}

function partsValue(parts: readonly (string | File)[], schema: Schema): unknown {
  const values = parts.map((part) => (typeof part === "string" ? part : "binary"));
  const [first = ""] = values;
  if (
    values.length > 1 ||
    (schema["type"] === "array" && parts.some((part) => typeof part !== "string"))
  )
    return values;
  return textValue(first, schema);
}

/** Reads a parameter or a part that is text by what its schema wants. */
export function textValue(text: string, schema: Schema): unknown {
  const type = schema["type"];
  if ((type === "integer" || type === "number") && /^-?[0-9]/.test(text)) return Number(text);
  if (type === "boolean" && /^(?:true|false)$/.test(text)) return text === "true";
  const isObject = type === "object" || schema["anyOf"] !== undefined;
  if (type === "array" || (isObject && text.startsWith("{"))) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}
