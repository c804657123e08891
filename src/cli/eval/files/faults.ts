import type { SourceRow } from "./rows/row-source.ts";
import { type Members, RowFault } from "./test-question.ts";

/** Rows that were left out, by what is wrong with them. */
export interface Skipped {
  readonly reason: string;
  readonly rows: number;
  /** Line or row of the first. */
  readonly first: number;
}

/** Faults that are listed; a file of another format has one in every line. */
const MAX_LISTED = 10;

/** Reasons that are told apart; a file with a path in each of them has a million. */
const MAX_REASONS = 100;

/** Counts the rows of a file that are no questions. */
export class Faults {
  /** What a row is called to its author. */
  readonly unit: string;
  readonly #listed: string[] = [];
  readonly #reasons = new Map<string, { readonly first: number; rows: number }>();
  #count = 0;

  constructor(unit: string) {
    this.unit = unit;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** What `read` makes of a row; undefined where the row is at fault, which is then counted. */
  async catching<Read>(
    row: SourceRow,
    read: (members: Members) => Promise<Read>,
  ): Promise<Read | undefined> {
    try {
      if ("fault" in row) throw row.fault;
      return await read(row.members);
    } catch (cause) {
      if (!(cause instanceof RowFault)) throw cause;
      this.#add(row.number, cause.message);
      return undefined;
    }
  }

  #add(row: number, reason: string): void {
    this.#count += 1;
    if (this.#count <= MAX_LISTED) this.#listed.push(`  ${this.unit} ${row}: ${reason}`);
    const known = this.#reasons.get(reason);
    if (known !== undefined) known.rows += 1;
    else if (this.#reasons.size < MAX_REASONS) this.#reasons.set(reason, { first: row, rows: 1 });
  }

  /** The first of them, a line each. */
  listed(): string {
    const more = this.#count - this.#listed.length;
    return [...this.#listed, ...(more > 0 ? [`  and ${more} more`] : [])].join("\n");
  }

  /** All of them, by reason. */
  skipped(): readonly Skipped[] {
    const told = [...this.#reasons].map(([reason, { first, rows }]) => ({ reason, rows, first }));
    const rest = this.#count - told.reduce((sum, { rows }) => sum + rows, 0);
    const first = told.at(-1)?.first ?? 0;
    return rest === 0 ? told : [...told, { reason: "for other reasons", rows: rest, first }];
  }
}
