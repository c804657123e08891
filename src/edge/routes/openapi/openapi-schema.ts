import type { CreateDocumentOptions } from "zod-openapi";

const INT32 = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };

/**
 * Adds to a schema what JSON Schema says and its maker leaves out: how wide an integer is; leaves replies open,
 * to which fields are added as the API grows; and writes tuples as generators read them.
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
  // A tuple's `maxItems` says it already, and generators that know no boolean schemas refuse the whole document for it.
  if (jsonSchema.items === false && jsonSchema.maxItems !== undefined) delete jsonSchema.items;
  if ("example" in jsonSchema) {
    const { example } = jsonSchema;
    jsonSchema.examples = [example];
    delete jsonSchema["example"];
  }
};
