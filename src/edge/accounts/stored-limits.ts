import type { Retention } from "#domain/retention.ts";
import type { KeyLimitsBody, RateLimitsBody } from "#wire/api/accounts/limits-body.ts";
import { type RetentionBody, someRetentionOf } from "#wire/api/retention-body.ts";
import { type Check, membersOf, readChecked } from "../storage/stored-json.ts";

/** Checks the limits of an account as they lie in D1. */
export const isRateLimits: Check<RateLimitsBody> = membersOf<RateLimitsBody>({
  requests_per_minute: "number",
  steps_per_minute: "number",
  concurrent: "number",
});

/** Checks the limits of a key as they lie in D1. */
export const isKeyLimits: Check<KeyLimitsBody> = membersOf<KeyLimitsBody>({
  requests_per_minute: "number",
  steps_per_minute: "number",
  concurrent: "number",
  spend_per_day_micros: ["number", "null"],
  spend_per_month_micros: ["number", "null"],
});

const isRetention: Check<Partial<RetentionBody>> = membersOf<RetentionBody>({
  question_seconds: ["number", "absent"],
  answer_seconds: ["number", "absent"],
  delivery_seconds: ["number", "absent"],
  upload_seconds: ["number", "absent"],
}) as Check<Partial<RetentionBody>>;

/** Reads what an account says of how long its own is kept, as it lies in D1; null where it says nothing. */
export function retentionIn(text: string | null): Partial<Retention> {
  return text === null ? {} : someRetentionOf(readChecked("an account's times", isRetention, text));
}
