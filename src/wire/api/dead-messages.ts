import * as z from "zod";

/** Body of `POST /v1/dead_messages/resend`. */
export interface ResendDeadBody {
  /** Where an earlier call came to. */
  readonly cursor?: string;
}

/** What one call of sending again did. */
export interface ResentDeadBody {
  readonly object: "resent_messages";
  readonly resent: number;
  /** Messages that this version cannot read; they stay. */
  readonly unreadable: number;
  /** Give it as `cursor` to go on; null: that was all. */
  readonly next_cursor: string | null;
}

const count = z.int().nonnegative();

export const resendDeadSchema: z.ZodType<ResendDeadBody> = z
  .strictObject({ cursor: z.string().min(1).max(1024).exactOptional() })
  .meta({ id: "ResendDead", example: {} });

export const resentDeadSchema: z.ZodType<ResentDeadBody> = z
  .strictObject({
    object: z.literal("resent_messages"),
    resent: count,
    unreadable: count.meta({ description: "Messages that this version cannot read; they stay." }),
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: "Give it as `cursor` to go on; null: that was all." }),
  })
  .meta({ id: "ResentMessages" });
