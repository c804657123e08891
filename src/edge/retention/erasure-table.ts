import type { ErasureCounts, ErasurePhase } from "#wire/api/accounts/erasures.ts";
import type { Erasure } from "../keepers.ts";
import { membersOf, readChecked } from "../storage/stored-json.ts";

export const nothingErased: ErasureCounts = { answers: 0, batches: 0, pictures: 0, rows: 0 };

const isCounts = membersOf<ErasureCounts>({
  answers: "number",
  batches: "number",
  pictures: "number",
  rows: "number",
});

/** Erasures in D1: nothing in them says whose account it was. */
export class ErasureTable {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async find(id: string): Promise<Erasure | undefined> {
    return await this.#one("id", id);
  }

  async findBy(pseudonym: string): Promise<Erasure | undefined> {
    return await this.#one("pseudonym", pseudonym);
  }

  /** Keeps an erasure as it stands. */
  async put({ id, pseudonym, phase, counts, startedAt, endedAt }: Erasure): Promise<void> {
    await this.#db
      .prepare(
        `INSERT INTO erasures (id, pseudonym, phase, counts, started_at, ended_at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET phase = excluded.phase, counts = excluded.counts, ended_at = excluded.ended_at`,
      )
      .bind(id, pseudonym, phase, JSON.stringify(counts), startedAt, endedAt)
      .run();
  }

  async #one(column: "id" | "pseudonym", value: string): Promise<Erasure | undefined> {
    const row = await this.#db
      .prepare(`SELECT * FROM erasures WHERE ${column} = ?`)
      .bind(value)
      .first<Row>();
    if (row === null) return undefined;
    const { id, pseudonym, phase, started_at: startedAt, ended_at: endedAt } = row;
    const counts = readChecked("counts of an erasure", isCounts, row.counts);
    return { id, pseudonym, phase, counts, startedAt, endedAt };
  }
}

interface Row {
  readonly id: string;
  readonly pseudonym: string;
  readonly phase: ErasurePhase;
  readonly counts: string;
  readonly started_at: number;
  readonly ended_at: number | null;
}
