import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { type Schemas, schemaText } from "./schemas.ts";

/** What Cloudflare keeps of a tag and a message. */
export const MAX_TAG_LENGTH = 25;
export const MAX_MESSAGE_LENGTH = 100;

/**
 * Names what is about to be deployed by what it is: the same bundle, site and configuration have the same tag, so that a second
 * deployment is seen to change nothing. `version`: package.json's.
 */
export function tagOf(parts: {
  readonly version: string;
  readonly bundle: string;
  readonly site: string;
  readonly configuration: object;
}): string {
  const hash = createHash("sha256").update(JSON.stringify(parts.configuration));
  // Maps hold paths of this machine, and the README the time.
  digestFolder(hash, parts.bundle, (name) => name.endsWith(".js") || name.endsWith(".wasm"));
  digestFolder(hash, parts.site, () => true);
  return `${parts.version}-${hash.digest("hex").slice(0, 12)}`.slice(-MAX_TAG_LENGTH);
}

/** Keys of a version, as its message tells them apart. */
export interface KeyMarks {
  /** First characters of the name of the key that it signs tickets with; null where that is not known here. */
  readonly ticket: string | null;
  /** Marks (`adminMark`) of the administrator's keys that open it; null where that is not known here. */
  readonly admin: readonly string[] | null;
}

/** What a version can read, and which keys it has. */
export function messageOf(schemas: Schemas, { ticket, admin }: KeyMarks): string {
  const key = ticket === null ? "" : ` key=${ticket.slice(0, 8)}`;
  return withAdminMarks(`${schemaText(schemas)}${key}`, admin);
}

/** By what one key is told from another: four digits of its SHA-256, which say nothing of it. */
export function adminMark(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 4);
}

/** Marks of the administrator's keys that open a version; null where it does not say. */
export function adminMarksIn(message: string): readonly string[] | null {
  return /\badmin=([0-9a-f+]+)/.exec(message)?.[1]?.split("+") ?? null;
}

/** The same message with other marks, or none. */
export function withAdminMarks(message: string, marks: readonly string[] | null): string {
  const bare = message.replace(/ ?\badmin=\S+/, "");
  return marks === null ? bare : `${bare} admin=${marks.join("+")}`.trim();
}

function digestFolder(
  hash: ReturnType<typeof createHash>,
  folder: string,
  counts: (name: string) => boolean,
): void {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && counts(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  for (const name of names) {
    const content = readFileSync(name);
    hash.update(`${path.relative(folder, name)} ${content.length} `).update(content);
  }
}

/** First characters of the name of the ticket key that a version signs with; null where it does not say. */
export function kidIn(message: string): string | null {
  return /\bkey=([\w-]+)/.exec(message)?.[1] ?? null;
}
