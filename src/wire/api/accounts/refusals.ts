import * as z from "zod";
import { MAX_NAME_LENGTH } from "../../limits.ts";
import { type Page, type PageQuery, pageFields, pageSchema } from "../page.ts";
import type { ListFormat } from "./usage.ts";

/** How often one key was refused with one code on one day (UTC). */
export interface RefusalRow {
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly key: string;
  readonly code: string;
  readonly count: number;
}

/** Which refusals are asked for; both days are included. */
export interface RefusalQuery extends PageQuery {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly key?: string | undefined;
  readonly code?: string | undefined;
  readonly format?: ListFormat | undefined;
}

const name = z.string().min(1).max(MAX_NAME_LENGTH);

export const refusalQuerySchema: z.ZodType<RefusalQuery> = z.strictObject({
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
  key: name.optional(),
  code: name.optional(),
  format: z.enum(["json", "csv"]).optional(),
  ...pageFields,
});

export const refusalListSchema: z.ZodType<Page<RefusalRow>> = pageSchema(
  z
    .strictObject({
      day: z.iso.date(),
      key: z.string(),
      code: z.string(),
      count: z.int().nonnegative(),
    })
    .meta({ id: "Refusal" }),
  "RefusalList",
);
