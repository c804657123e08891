import type { CreateDocumentOptions } from "zod-openapi";

const INT32 = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };

/**
 * Adds to a schema what JSON Schema says and its maker leaves out: how wide an integer is, how long a tuple; and leaves
 * replies open, to which fields are added as the API grows.
 */
export const describeSchema: NonNullable<CreateDocumentOptions["override"]> = ({
  jsonSchema,
  io,
}) => {
  if (io === "output" && jsonSchema.additionalProperties === false)
    delete jsonSchema.additionalProperties;
  if (jsonSchema.type === "integer") {
    const { minimum = -Infinity, maximum = Infinity } = jsonSchema;
    const isSmall = minimum >= INT32.minimum && maximum <= INT32.maximum;
    jsonSchema.format = isSmall ? "int32" : "int64";
  }
  if (jsonSchema.prefixItems !== undefined && jsonSchema.items === undefined) {
    jsonSchema.minItems = jsonSchema.prefixItems.length;
    jsonSchema.maxItems = jsonSchema.prefixItems.length;
  }
  if ("example" in jsonSchema) {
    const { example } = jsonSchema;
    jsonSchema.examples = [example];
    delete jsonSchema["example"];
  }
};
