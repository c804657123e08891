import * as z from "zod";

/** What an erasure is doing, in this order. */
export const ERASURE_PHASES = [
  "closing",
  "waiting",
  "batches",
  "answers",
  "webhooks",
  "pictures",
  "functions",
  "rows",
  "books",
  "again",
  "account",
  "done",
] as const;

export type ErasurePhase = (typeof ERASURE_PHASES)[number];

/** How much is gone. */
export interface ErasureCounts {
  readonly answers: number;
  readonly batches: number;
  readonly pictures: number;
  /** Of the copies in the database: usage, refusals, lists. */
  readonly rows: number;
}

/** Body of `POST /v1/account/erase` and `POST /v1/accounts/{id}/erase`. */
export interface EraseAccountBody {
  /** The account's id, once more: so that nobody erases another, or by accident. */
  readonly confirm: string;
}

/** How far the erasure of an account is. */
export interface ErasureBody {
  readonly id: string;
  readonly object: "erasure";
  /** The name under which the ledger's lines stay: nobody finds the account's own in it. */
  readonly account: string;
  readonly status: "running" | "done";
  readonly phase: ErasurePhase;
  readonly erased: ErasureCounts;
  readonly started_at: string;
  readonly ended_at: string | null;
}

const count = z.int().min(0);

export const eraseAccountSchema: z.ZodType<EraseAccountBody> = z
  .strictObject({ confirm: z.string().max(128).meta({ description: "The account's id." }) })
  .meta({ id: "EraseAccount", example: { confirm: "ada" } });

export const erasureSchema: z.ZodType<ErasureBody> = z
  .strictObject({
    id: z.string(),
    object: z.literal("erasure"),
    account: z.string(),
    status: z.enum(["running", "done"]),
    phase: z.enum(ERASURE_PHASES),
    erased: z.strictObject({ answers: count, batches: count, pictures: count, rows: count }),
    started_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "Erasure" });
