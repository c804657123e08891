import * as z from "zod";
import { type Balances, movements } from "#domain/ledger.ts";
import type { ChargeEvent } from "#wire/function/usage-event.ts";
import type {
  ExportedLine,
  ExportedReply,
  LedgerOrigin,
  LedgerPlace,
  LedgerRest,
  RestRow,
} from "../ledger/backup/ledger-backup.ts";
import { type Check, type StoredJson, storedJson, unchanged } from "../storage/stored-json.ts";

/** Lines of a ledger, written once. */
export interface Segment {
  readonly book: string;
  readonly timeline: number;
  readonly from: number;
  readonly to: number;
  /** Digest of the segment that ends before it; null for the first of all. So one that is missing or was altered is found. */
  readonly previous: string | null;
  /** Milliseconds since 1970. */
  readonly exportedAt: number;
  readonly lines: readonly ExportedLine[];
}

/** Balances in micro-dollars, as JSON keeps them. */
type Books = Readonly<Record<keyof Balances, number>>;

/** Up to where a ledger is in the bucket, and what all its lines come to. */
export interface Checkpoint {
  readonly book: string;
  readonly timeline: number;
  /** The last line; 0 before the first. */
  readonly seq: number;
  /** Digest of the segment that ends with it. */
  readonly head: string | null;
  readonly balances: Books;
  /** What is held, by hold. */
  readonly open: Readonly<Record<string, number>>;
}

/** What a ledger kept beside its lines, and which lines. `details` and `rest` are as the ledger told them. */
export interface Cut {
  readonly account: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly place: LedgerPlace & Partial<Pick<LedgerOrigin, "cut">>;
  readonly checkpoint: Checkpoint;
  readonly rest: LedgerRest;
}

/** What belongs to the lines of a segment and may be personal. */
export interface Details {
  /** What was told elsewhere of captures. */
  readonly charges: readonly Omit<ChargeEvent, "listed">[];
  readonly replies: readonly ExportedReply[];
}

/** A part of a table, in the order of its rows. */
export interface Part {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

/** Where a part lies. */
export interface PartPlace {
  readonly name: string;
  readonly sha256: string;
  readonly rows: number;
  /** `rowid` of its last row. */
  readonly last: number;
  /** When it was read, in milliseconds since 1970. */
  readonly readAt: number;
}

/** A whole snapshot of the tables. Times are milliseconds since 1970. */
export interface Manifest {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly tables: readonly { readonly name: string; readonly parts: readonly PartPlace[] }[];
}

const count = z.int().nonnegative();
const text = z.string();

const lineSchema: z.ZodType<ExportedLine> = z.object({
  seq: count,
  kind: text.refine((kind): kind is ExportedLine["kind"] => kind in movements),
  amount: count,
  holdId: text.nullable(),
  keyId: text.nullable(),
  reference: text.nullable(),
  note: text.nullable(),
  at: z.int(),
  available: count,
});

const segmentSchema: z.ZodType<Segment> = z.object({
  book: text,
  timeline: count,
  from: count,
  to: count,
  previous: text.nullable(),
  exportedAt: z.int(),
  lines: z.array(lineSchema),
});

const detailsSchema: z.ZodType<Details> = z.object({
  charges: z.array(
    z.object({
      id: text,
      account: text,
      key: text,
      model: text,
      micros: count,
      steps: count,
      answers: count.exactOptional(),
      owner: text.exactOptional(),
      at: z.int(),
    }),
  ),
  replies: z.array(z.object({ holdId: text, scope: text, fingerprint: text, expiresAt: z.int() })),
});

const booksSchema: z.ZodType<Books> = z.object({
  issuer: z.int(),
  available: count,
  held: count,
  revenue: count,
});
const rowSchema: z.ZodType<RestRow> = z.object({ id: text, text });

const restSchema: z.ZodType<LedgerRest> = z.object({
  seq: count,
  balances: booksSchema,
  owed: count,
  spending: z.array(z.object({ purse: text, amount: count, forgetAt: z.int() })),
  payments: z.array(z.object({ id: text, state: text, credited: count })),
  creditLine: z.object({ accountId: text, line: count, isTold: z.boolean() }).nullable(),
  open: z.array(rowSchema),
  alerts: z.array(rowSchema),
  outbox: z.array(rowSchema),
});

const checkpointSchema: z.ZodType<Checkpoint> = z.object({
  book: text,
  timeline: count,
  seq: count,
  head: text.nullable(),
  balances: booksSchema,
  open: z.record(text, count),
});

const cutSchema: z.ZodType<Cut> = z.object({
  account: text,
  at: z.int(),
  place: z.object({
    book: text,
    timeline: count,
    forks: z.array(z.object({ timeline: count, to: count })),
    cut: text.exactOptional(),
  }),
  checkpoint: checkpointSchema,
  rest: restSchema,
});

const partSchema: z.ZodType<Part> = z.object({
  table: text,
  columns: z.array(text),
  rows: z.array(z.array(z.union([text, z.number(), z.null()]))),
});

const partPlaceSchema: z.ZodType<PartPlace> = z.object({
  name: text,
  sha256: text,
  rows: count,
  last: z.int(),
  readAt: z.int(),
});

const manifestSchema: z.ZodType<Manifest> = z.object({
  startedAt: z.int(),
  endedAt: z.int(),
  tables: z.array(z.object({ name: text, parts: z.array(partPlaceSchema) })),
});

/** Lies in a bucket that others may have written to, so that every member is looked at. */
export function storedInBucket<Value>(name: string, schema: z.ZodType<Value>): StoredJson<Value> {
  const is: Check<Value> = (value): value is Value => schema.safeParse(value).success;
  return storedJson({ name, is, upgrades: [unchanged] });
}

export const storedSegment: StoredJson<Segment> = storedInBucket(
  "lines of a ledger",
  segmentSchema,
);
export const storedDetails: StoredJson<Details> = storedInBucket("details of lines", detailsSchema);
export const storedCut: StoredJson<Cut> = storedInBucket("the cut of a ledger", cutSchema);
export const storedCheckpoint: StoredJson<Checkpoint> = storedInBucket(
  "a checkpoint",
  checkpointSchema,
);
export const storedPart: StoredJson<Part> = storedInBucket("a part of a table", partSchema);
export const storedManifest: StoredJson<Manifest> = storedInBucket("a snapshot", manifestSchema);
