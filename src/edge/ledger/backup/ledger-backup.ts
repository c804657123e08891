import type { Balances, EntryKind } from "#domain/ledger.ts";
import type { Result } from "#domain/result.ts";
import type { ChargeEvent, RefundEvent } from "#wire/function/usage-event.ts";

/** A ledger as the backups see it: read line by line, and written anew once. Amounts are whole micro-dollars, as SQLite and JSON keep them. */
export interface LedgerBackup {
  /** Reads lines behind `after`, oldest first, `limit` at most, and behind the last one what else the ledger keeps. Changes nothing. */
  exportLines(after: number, limit: number): Promise<LedgerExport>;
  /**
   * Writes lines into a ledger that has none, as they were, by the rules that booked them; those that it has already are passed
   * over, so that a call may be repeated. Refuses where the ledger has lines of its own, or the lines cannot be. Until it is whole it
   * does nothing else.
   */
  restoreLines(
    origin: LedgerOrigin,
    lines: readonly ExportedLine[],
    beside: RestoredBeside,
  ): Promise<Result<RestoredSoFar, RestoreRefusal>>;
  /**
   * Writes what else it kept, once all its lines are there, and gives the open holds back: who asked has lost the answers. From
   * then on it is a ledger as any other. May be repeated.
   */
  restoreRest(
    origin: LedgerOrigin,
    rest: LedgerRest,
  ): Promise<Result<RestoredSoFar, RestoreRefusal>>;
}

/** One entry. Nothing in it is a caller's own text. */
export interface ExportedLine {
  readonly seq: number;
  readonly kind: EntryKind;
  readonly amount: number;
  readonly holdId: string | null;
  readonly keyId: string | null;
  readonly reference: string | null;
  readonly note: string | null;
  readonly at: number;
  readonly available: number;
}

export interface LedgerExport extends LedgerPlace {
  readonly lines: readonly ExportedLine[];
  /** What is told elsewhere of the captures among the lines. */
  readonly charges: readonly ChargeEvent[];
  /** Whose replies are kept of the captures among the lines. */
  readonly replies: readonly ExportedReply[];
  /** Null while there are more lines. */
  readonly rest: LedgerRest | null;
  /** Name of the cut that it was restored from; null for any other ledger. */
  readonly cut: string | null;
}

/** Where a ledger's lines lie in the backups. */
export interface LedgerPlace {
  /** Id of the object that it began in. */
  readonly book: string;
  /** 0, and one more with each time that it was restored: what was booked after the point in time that it was restored to lies under the one before. */
  readonly timeline: number;
  /** Under which timeline which of its earlier lines lie, in order. */
  readonly forks: readonly Fork[];
}

export interface Fork {
  readonly timeline: number;
  /** The last line that is taken from it. */
  readonly to: number;
}

/** What a ledger is restored from. */
export interface LedgerOrigin extends LedgerPlace {
  /** Name of the cut. */
  readonly cut: string;
}

/** A request that was answered and may come again. */
export interface ExportedReply {
  readonly holdId: string;
  readonly scope: string;
  readonly fingerprint: string;
  readonly expiresAt: number;
}

/** What a ledger keeps beside its lines, in the same moment as the last of them. */
export interface LedgerRest {
  readonly seq: number;
  readonly balances: Readonly<Record<keyof Balances, number>>;
  readonly owed: number;
  /** What of the limits of keys, subjects and client tokens is spent. */
  readonly spending: readonly RestCounter[];
  /** What was heard of payments. */
  readonly payments: readonly RestPayment[];
  readonly creditLine: {
    readonly accountId: string;
    readonly line: number;
    readonly isTold: boolean;
  } | null;
  /** Open holds, each with the counters that it was spent from. */
  readonly open: readonly RestRow[];
  /** Notices that wait to be told. */
  readonly alerts: readonly RestRow[];
  /** Usage that waits to be sent. */
  readonly outbox: readonly RestRow[];
}

export interface RestCounter {
  readonly purse: string;
  readonly amount: number;
  readonly forgetAt: number;
}

export interface RestPayment {
  readonly id: string;
  /** As it is stored. */
  readonly state: string;
  /** What it is worth as credit. */
  readonly credited: number;
}

/** A row whose one text is kept as it is stored. */
export interface RestRow {
  readonly id: string;
  readonly text: string;
}

/** What is written with lines. */
export interface RestoredBeside {
  /** Requests that were charged and may come again. */
  readonly replies: readonly ExportedReply[];
  /** What the queue may not have been told. */
  readonly refunds: readonly RefundEvent[];
}

export interface RestoredSoFar {
  /** The last line that is there. */
  readonly seq: number;
  /** Whether it is restored: nothing more is to be written. */
  readonly isWhole: boolean;
}

/** `not_empty`: the ledger has lines that are not of this restore · `not_bookable`: the lines cannot be, in this order · `lines_missing`: not all are there. */
export type RestoreRefusal = "not_empty" | "not_bookable" | "lines_missing";
