import { readFileSync } from "node:fs";

/** What nobody should find in a process's environment. */
const SECRETS = [
  "UNMASK_TICKET_KEYS",
  "UNMASK_FUNCTION_KEY",
  "UNMASK_METRICS_TOKEN",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "UNMASK_S3_ACCESS_KEY_ID",
  "UNMASK_S3_SECRET_ACCESS_KEY",
] as const;

/** A key is a line; what is longer is no secret, and may be anything of the machine's. */
const MAX_SECRET_BYTES = 65_536;

/**
 * Puts in place of `NAME_FILE` what the file holds that it names, for every secret: hosts mount secrets as files, where no other
 * process and no listing of the container shows them. Throws an Error that names the variable where both are said, where the file
 * cannot be read, or where it holds no text of 64 KiB at most.
 */
export function withSecretFiles(
  variables: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const found = SECRETS.flatMap((name): [string, string][] => {
    const file = variables[`${name}_FILE`];
    if (file === undefined) return [];
    if (variables[name] !== undefined)
      throw new Error(`${name} and ${name}_FILE are both set: say one of them`);
    return [[name, readSecret(`${name}_FILE`, file)]];
  });
  return found.length === 0 ? variables : { ...variables, ...Object.fromEntries(found) };
}

function readSecret(variable: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "no reason";
    throw new Error(`${variable} names ${file}, which cannot be read (${code})`, { cause });
  }
  if (text === "") throw new Error(`${variable} names ${file}, which is empty`);
  if (text.length > MAX_SECRET_BYTES)
    throw new Error(`${variable} names ${file}, which is too long`);
  return text;
}
