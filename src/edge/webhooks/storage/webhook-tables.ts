import type { SqlValue } from "../../storage/sql-store.ts";
import type { DeliveryState } from "../webhook-service.ts";

/** A delivery as it is kept. Times are milliseconds since 1970. */
export interface DeliveryRow extends Record<string, SqlValue> {
  readonly id: string;
  readonly notice_id: string;
  readonly endpoint_id: string | null;
  readonly url: string;
  /** Origin of `url`: whom one sending too many would burden. */
  readonly receiver: string;
  /** Signs what goes to an address that a request named with a secret of its own. */
  readonly secret: string | null;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly created_at: number;
  /** Of the next attempt; while one is being made, the end of its lease. */
  readonly due_at: number | null;
  /** Until when a sender has it; then another may take it. */
  readonly leased_until: number | null;
  /** Since when no sending of it has left, for reasons of our own; null once one has. */
  readonly unsent_since: number | null;
}

/** Returns whom an address burdens: all addresses of one host. What is no address stands for itself, and fails when it is sent to. */
export function receiverOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
