import * as z from "zod";
import { WeightsError, type WeightsErrorCode } from "./weights-error.ts";

/** Reads JSON in strict UTF-8 from hostile bytes. Throws WeightsError `code` that names what it was. */
export function parseJson(
  bytes: Uint8Array | undefined,
  name: string,
  code: WeightsErrorCode,
): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new WeightsError(code, `${name} is not JSON`, { cause });
  }
}

/** The same, held to a schema. Throws WeightsError `manifest_invalid` that says what is wrong where, behind `wrong`. */
export function parseAs<Output>(
  schema: z.ZodType<Output>,
  bytes: Uint8Array,
  address: string,
  wrong: string,
): Output {
  const parsed = schema.safeParse(parseJson(bytes, address, "manifest_invalid"));
  if (parsed.success) return parsed.data;
  throw new WeightsError(
    "manifest_invalid",
    `${address} ${wrong}:\n${z.prettifyError(parsed.error)}`,
  );
}
