import type { SqlStore } from "#edge/storage/sql-store.ts";

const MEGABYTE = "x".repeat(1_000_000);

/** What a store says that it holds: before ten megabytes are written, with them, and after most of them are deleted. */
export function bytesAsStored(
  store: SqlStore,
): readonly [before: number, full: number, after: number] {
  store.all("CREATE TABLE written (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
  const before = store.bytes();
  for (let id = 0; id < 10; id += 1)
    store.all("INSERT INTO written (id, text) VALUES (?, ?)", [id, MEGABYTE]);
  const full = store.bytes();
  store.all("DELETE FROM written WHERE id > 0");
  return [before, full, store.bytes()];
}
