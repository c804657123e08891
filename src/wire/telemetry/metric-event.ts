import * as z from "zod";
import { MAX_NAME_LENGTH } from "../limits.ts";

/** What goes through the usage queue for the metrics alone, at least once and in any order: the newest `at` of a subject wins. */
export type MetricEvent = StandingEvent | BacklogEvent | ReplayEvent;

/** Where an account's ledger stands. Money in micro-dollars, times in milliseconds since 1970. */
export interface StandingEvent {
  readonly kind: "standing";
  readonly id: string;
  readonly account: string;
  readonly available: number;
  readonly held: number;
  readonly revenue: number;
  /** Never above 0. */
  readonly issuer: number;
  readonly owed: number;
  /** By how much the books disagree: with each other, with the open holds, with the last entry. 0 unless the ledger is broken. */
  readonly off_by: number;
  readonly open_holds: number;
  readonly oldest_hold_at: number | null;
  /** When the first of them is to be closed unless it is renewed. */
  readonly hold_expires_at: number | null;
  readonly at: number;
}

/** What an account's webhook object has to do. */
export interface BacklogEvent {
  readonly kind: "backlog";
  readonly id: string;
  readonly account: string;
  /** Deliveries that are still to be made. */
  readonly waiting: number;
  /** When the oldest of them was accepted. */
  readonly oldest_at: number | null;
  /** Deliveries that were given up and are still kept. */
  readonly failed: number;
  readonly at: number;
}

/** How a replay came out. */
export interface ReplayEvent {
  readonly kind: "replay";
  /** Of the second answer. */
  readonly id: string;
  readonly replay_of: string;
  readonly account: string;
  readonly model: string;
  readonly outcome: "equal" | "different" | "not_comparable";
  readonly at: number;
}

const name = z.string().min(1).max(MAX_NAME_LENGTH);
const count = z.int().nonnegative();
const moment = count.nullable();

const standingSchema: z.ZodType<StandingEvent> = z.object({
  kind: z.literal("standing"),
  id: name,
  account: name,
  available: count,
  held: count,
  revenue: count,
  issuer: z.int().max(0),
  owed: count,
  off_by: count,
  open_holds: count,
  oldest_hold_at: moment,
  hold_expires_at: moment,
  at: count,
});

const backlogSchema: z.ZodType<BacklogEvent> = z.object({
  kind: z.literal("backlog"),
  id: name,
  account: name,
  waiting: count,
  oldest_at: moment,
  failed: count,
  at: count,
});

const replaySchema: z.ZodType<ReplayEvent> = z.object({
  kind: z.literal("replay"),
  id: name,
  replay_of: name,
  account: name,
  model: name,
  outcome: z.enum(["equal", "different", "not_comparable"]),
  at: count,
});

/** Members that a newer Worker adds are dropped. */
export const metricEventSchema: z.ZodType<MetricEvent> = z.union([
  standingSchema,
  backlogSchema,
  replaySchema,
]);
