import { sha256Hex } from "#wire/codec/digest.ts";

/** What is kept of an id that was erased: nobody finds the id in it, and who comes with it late is recognised. */
export async function erasedDigest(id: string): Promise<string> {
  return await sha256Hex(new Uint8Array(new TextEncoder().encode(id)));
}

/** The statement that says of an id that nothing of it comes back. `until` in milliseconds since 1970; null: for ever. */
export async function erasedMark(
  db: D1Database,
  id: string,
  until: number | null,
): Promise<D1PreparedStatement> {
  return db
    .prepare(
      `INSERT INTO erased (id_sha256, forget_at) VALUES (?, ?) ON CONFLICT (id_sha256) DO UPDATE
         SET forget_at = CASE WHEN forget_at IS NULL THEN NULL ELSE excluded.forget_at END`,
    )
    .bind(await erasedDigest(id), until);
}

/** Which of some ids were erased. */
export async function erasedAmong(
  db: D1Database,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const digests = new Map<string, string>();
  for (const id of new Set(ids)) digests.set(await erasedDigest(id), id);
  const { results } = await db
    .prepare("SELECT id_sha256 FROM erased WHERE id_sha256 IN (SELECT value FROM json_each(?))")
    .bind(JSON.stringify([...digests.keys()]))
    .all<{ id_sha256: string }>();
  return new Set(results.flatMap(({ id_sha256: digest }) => digests.get(digest) ?? []));
}
