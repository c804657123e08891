import { standardRetention } from "#domain/retention.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import type { Remembered } from "./cache-memory.ts";
import { CACHE_LIFETIME_MS, type CacheEntry } from "./cache-object.ts";

/**
 * Threat: a value beyond the 2 MB of a row. The longest answer in words, 512 tokens with their confidences, has some 60 KB; one of
 * fields, with a probability for each of 4,096 options and 32 KiB of their text, 300.
 */
const MAX_ENTRY_LENGTH: number = 1024 * 1024;

/** Whether an answer that led its key ends in the cache. */
export function isStorable({ status, digest, model_digest }: AnswerBody): boolean {
  return status === "completed" && digest !== null && model_digest !== null;
}

/** Writes an answer as it is cached from `now` on, until it is forgotten itself; null where it is not to be. */
export async function writeEntry(
  body: AnswerBody,
  now: number,
  keptUntil: number,
): Promise<CacheEntry | null> {
  const { digest, numerics } = body;
  if (!isStorable(body) || digest === null) return null;
  const text = JSON.stringify(body);
  // No answer is so long.
  if (text.length > MAX_ENTRY_LENGTH) return null;
  const expiresAt = Math.min(keptUntil, now + CACHE_LIFETIME_MS);
  if (expiresAt <= now) return null;
  const { id: answerId } = body;
  const sha256 = await textSha256(text);
  return { text, sha256, digest, numerics, answerId, storedAt: now, expiresAt };
}

/** Reads an answer that was cached; undefined for an entry that is damaged, or of another version of this service. */
export async function readEntry(entry: CacheEntry): Promise<Remembered<AnswerBody> | undefined> {
  const { text, sha256, storedAt } = entry;
  if ((await textSha256(text)) !== sha256) return undefined;
  const body: unknown = JSON.parse(text);
  if (!isAnswer(body)) return undefined;
  // One of before was to outlive its answer.
  const expiresAt =
    entry.answerId === undefined
      ? Math.min(entry.expiresAt, storedAt + standardRetention.answerMs)
      : entry.expiresAt;
  return { body, size: text.length, storedAt, expiresAt };
}

/** Fields have the names that callers gave them, and those are kept by no schema as they are by JSON: `__proto__`. */
function isAnswer(body: unknown): body is AnswerBody {
  return answerSchema.safeParse(body).success;
}

async function textSha256(text: string): Promise<string> {
  return await sha256Hex(new Uint8Array(new TextEncoder().encode(text)));
}
