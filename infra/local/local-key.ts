import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { formatKey, generateKey, hashSecret, parseKey } from "#wire/key.ts";

/** What the command line and other programs on this machine read to find the API. */
export interface LocalAccess {
  readonly url: string;
  readonly key: string;
}

/** Returns the local key of an earlier start, so that commands copied then still work, or makes one. */
export function keepLocalKey(file: string): string {
  if (existsSync(file)) {
    const { key } = JSON.parse(readFileSync(file, "utf8")) as Partial<LocalAccess>;
    if (key !== undefined && parseKey(key).ok) return key;
  }
  return formatKey(generateKey("test", randomBytes));
}

/** Leaves address and key where the command line looks for them, readable by their owner only. */
export function writeLocalAccess(file: string, access: LocalAccess): void {
  writeFileSync(file, `${JSON.stringify(access, null, 2)}\n`, { mode: 0o600 });
}

/** Returns the record of a key as the Worker's setting API_KEY wants it. */
export async function keyRecord(text: string): Promise<string> {
  const key = parseKey(text);
  if (!key.ok) throw new Error(`the local key is ${key.refusal}`);
  const record = { id: key.value.id, secret_sha256: await hashSecret(key.value), account: "local" };
  return JSON.stringify(record);
}
