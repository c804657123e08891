/** Each is looked at once more before it is deleted. An alarm that comes to the end of its requests has deleted what it looked at. */
const DELETED_AT_ONCE = 100;

/** Deletes the uploads of an account whose time is over; when the next one's is, null where there is none. Milliseconds since 1970. */
export async function deleteExpired(
  bucket: R2Bucket,
  accountId: string,
  now: number,
): Promise<number | null> {
  let next: number | null = null;
  let cursor: string | undefined;
  do {
    const page: R2Objects = await bucket.list({
      prefix: `${accountId}/`,
      include: ["customMetadata"],
      ...(cursor === undefined ? {} : { cursor }),
    });
    const expired: string[] = [];
    for (const { key, customMetadata } of page.objects) {
      // What was not put there as an upload has none, and is nobody's to delete here.
      const at = expiryIn(customMetadata);
      if (at <= now) expired.push(key);
      else if (at > now) next = Math.min(next ?? at, at);
    }
    for (let start = 0; start < expired.length; start += DELETED_AT_ONCE)
      await deleteStillExpired(bucket, expired.slice(start, start + DELETED_AT_ONCE), now);
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return next;
}

function expiryIn(customMetadata: Record<string, string> | undefined): number {
  return Number(customMetadata?.["expires_at"]);
}

/** Deletes those that nobody has uploaded again since they were listed: an equal file has the same key. */
async function deleteStillExpired(
  bucket: R2Bucket,
  keys: readonly string[],
  now: number,
): Promise<void> {
  const looked = await Promise.all(keys.map(async (key) => await bucket.head(key)));
  const still = looked.flatMap((object) =>
    object !== null && expiryIn(object.customMetadata) <= now ? [object.key] : [],
  );
  if (still.length > 0) await bucket.delete(still);
}
