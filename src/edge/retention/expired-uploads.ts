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
      const at = Number(customMetadata?.["expires_at"]);
      if (at <= now) expired.push(key);
      else if (at > now) next = Math.min(next ?? at, at);
    }
    if (expired.length > 0) await bucket.delete(expired);
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return next;
}
