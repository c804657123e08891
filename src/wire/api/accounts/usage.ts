import * as z from "zod";
import type { EntryKind } from "#domain/ledger.ts";
import { MAX_NAME_LENGTH } from "../../limits.ts";
import { type Page, type PageQuery, pageFields, pageSchema } from "../page.ts";
import { microsSchema } from "./limits-body.ts";

/** What one key asked of one model on one day (UTC). */
export interface UsageRow {
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly key: string;
  readonly model: string;
  readonly answers: number;
  /** Steps that ran. */
  readonly steps: number;
  readonly charged_micros: number;
}

/** Which usage is asked for; both days are included. */
export interface UsageQuery extends PageQuery {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly key?: string | undefined;
  readonly model?: string | undefined;
  readonly format?: ListFormat | undefined;
}

export type ListFormat = "json" | "csv";

/** One entry of an account's ledger. Amounts are positive; the kind says which way money moves. */
export interface LedgerEntryBody {
  readonly seq: number;
  readonly kind: string;
  readonly amount_micros: number;
  /** What could be spent after it. */
  readonly available_micros: number;
  /** The answer that it belongs to. */
  readonly answer: string | null;
  readonly key: string | null;
  /** Id of a grant or refund. */
  readonly reference: string | null;
  readonly note: string | null;
  /** RFC 3339, UTC. */
  readonly created_at: string;
}

/** Which entries are asked for; both days (UTC) are included. */
export interface LedgerQuery extends PageQuery {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly kind?: EntryKind | undefined;
  readonly format?: ListFormat | undefined;
}

const name = z.string().min(1).max(MAX_NAME_LENGTH);
const count = z.int().nonnegative();
const format = z.enum(["json", "csv"]).optional();

export const usageQuerySchema: z.ZodType<UsageQuery> = z.strictObject({
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
  key: name.optional(),
  model: name.optional(),
  format,
  ...pageFields,
});

export const ledgerQuerySchema: z.ZodType<LedgerQuery> = z.strictObject({
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
  kind: z.enum(["grant", "hold", "capture", "release", "refund", "withdraw"]).optional(),
  format,
  ...pageFields,
});

export const usageRowSchema: z.ZodType<UsageRow> = z
  .strictObject({
    day: z.iso.date(),
    key: z.string(),
    model: z.string(),
    answers: count,
    steps: count,
    charged_micros: microsSchema,
  })
  .meta({ id: "Usage" });

export const usageListSchema: z.ZodType<Page<UsageRow>> = pageSchema(usageRowSchema, "UsageList");

export const ledgerEntrySchema: z.ZodType<LedgerEntryBody> = z
  .strictObject({
    seq: count,
    kind: z.string(),
    amount_micros: z.int(),
    available_micros: z.int(),
    answer: z.string().nullable(),
    key: z.string().nullable(),
    reference: z.string().nullable(),
    note: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "LedgerEntry" });

export const ledgerListSchema: z.ZodType<Page<LedgerEntryBody>> = pageSchema(
  ledgerEntrySchema,
  "LedgerEntryList",
);
