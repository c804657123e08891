import type { Schema } from "./schemas.ts";

/** Reads a form as OpenAPI says that it is written: numbers as text, lists as repeated parts, objects as JSON. */
export async function formValue(
  bytes: Uint8Array,
  contentType: string,
  schema: Schema,
  resolve: (schema: Schema) => Schema,
): Promise<unknown> {
  const form = await new Response(Buffer.from(bytes), {
    headers: { "content-type": contentType },
  }).formData();
  const properties = schema["properties"] as Readonly<Record<string, Schema>> | undefined;
  const entries = [...new Set(form.keys())].map(async (name) => {
    const parts = await Promise.all(form.getAll(name).map(textOrFile));
    return [name, partsValue(parts, resolve(properties?.[name] ?? {}))];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** A part that says it is JSON is text, also where it was sent as a file. */
async function textOrFile(part: string | File): Promise<string | File> {
  return typeof part !== "string" && part.type === "application/json" ? await part.text() : part;
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
