import { migrate } from "../../storage/migrations.ts";
import type { SqlStore, SqlValue } from "../../storage/sql-store.ts";
import { answerMigrations, answerSchema } from "./answer-schema.ts";

/** Where in the table of what is due an answer stands that is being made, or that something is left to do for. */
const OPEN = 0;

/** When something of an answer is to be forgotten. */
export interface DueAnswer {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The rows of the answers that share an object, and which of them have to be looked after. */
export class AnswerRows {
  readonly #store: SqlStore;
  #exists: boolean;
  /** Answers that rest, and until when, of which that is not written yet. */
  readonly #resting = new Map<string, number>();

  constructor(store: SqlStore) {
    this.#store = store;
    // Threat: an id that was guessed makes an object; it must not leave tables behind, which are paid for.
    this.#exists = store.all("SELECT 1 FROM sqlite_master WHERE name = 'answer'").length > 0;
    if (this.#exists) migrate(store, "answers", answerMigrations, answerSchema);
  }

  /** What a query finds; nothing before the first answer is kept. */
  find<Row extends Record<string, SqlValue>>(
    query: string,
    bindings: readonly SqlValue[] = [],
  ): Row[] {
    return this.#exists ? this.#store.all<Row>(query, bindings) : [];
  }

  /** Runs a statement that writes. Only inside `write`. */
  run(statement: string, bindings: readonly SqlValue[]): void {
    this.#store.all(statement, bindings);
  }

  /** Writes as a whole or not at all. Never nested. */
  write(work: () => void): void {
    // Outside the transaction: it makes one of its own.
    if (!this.#exists) migrate(this.#store, "answers", answerMigrations, answerSchema);
    this.#exists = true;
    this.#store.transaction(() => {
      work();
      for (const [id, at] of this.#resting) this.shelve(id, OPEN, at);
    });
    this.#resting.clear();
  }

  /**
   * Has an open answer looked at again only at that time. Written with what is written next, or by `flush`: where the object
   * dies before, what it had to do is done once more.
   */
  rest(id: string, at: number): void {
    this.#resting.set(id, at);
  }

  /** Writes which answers rest, if it is not written. */
  flush(): void {
    if (this.#resting.size > 0) this.write(() => undefined);
  }

  /** Has an answer looked after until it rests. Only inside `write`. */
  open(id: string): void {
    this.run("INSERT OR IGNORE INTO due (at, answer) VALUES (?, ?)", [OPEN, id]);
  }

  /** Has an answer looked at again only at that time, not when it would have been. Only inside `write`. */
  shelve(id: string, was: number, at: number): void {
    this.run("DELETE FROM due WHERE at = ? AND answer = ?", [was, id]);
    this.run("INSERT OR IGNORE INTO due (at, answer) VALUES (?, ?)", [at, id]);
  }

  /** Has a shelved answer looked after again until it is gone. Only inside `write`. */
  reopen(id: string, times: readonly number[]): void {
    this.#resting.delete(id);
    for (const at of times) this.run("DELETE FROM due WHERE at = ? AND answer = ?", [at, id]);
    this.open(id);
  }

  isOpen(id: string): boolean {
    if (this.#resting.has(id)) return false;
    return this.find("SELECT 1 FROM due WHERE at = ? AND answer = ?", [OPEN, id]).length > 0;
  }

  /** The answers that are being made, and those that something is left to do for. */
  opened(): readonly string[] {
    const rows = this.find<{ answer: string }>("SELECT answer FROM due WHERE at = ?", [OPEN]);
    return rows.map(({ answer }) => answer).filter((id) => !this.#resting.has(id));
  }

  /** Answers of which something is to be forgotten, the longest overdue first; at most `count`, all times included. */
  shelved(count: number): readonly DueAnswer[] {
    return this.find<{ id: string; at: number }>(
      "SELECT answer AS id, at FROM due WHERE at > ? ORDER BY at LIMIT ?",
      [OPEN, count],
    );
  }

  /** The first answers that are kept, at most `count`. */
  first(count: number): readonly string[] {
    const rows = this.find<{ answer: string }>(
      "SELECT DISTINCT answer FROM answer ORDER BY answer LIMIT ?",
      [count],
    );
    return rows.map(({ answer }) => answer);
  }

  /** Forgets an answer that is open, or shelved until one of `times`. Returns whether no other is left. */
  forget(id: string, times: readonly number[]): boolean {
    this.#resting.delete(id);
    this.write(() => {
      this.run("DELETE FROM answer WHERE answer = ?", [id]);
      for (const at of [OPEN, ...times])
        this.run("DELETE FROM due WHERE at = ? AND answer = ?", [at, id]);
    });
    return this.find("SELECT 1 FROM answer LIMIT 1").length === 0;
  }

  /** The tables are gone. */
  gone(): void {
    this.#exists = false;
  }
}
