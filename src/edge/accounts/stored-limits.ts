import type { KeyLimitsBody, RateLimitsBody } from "#wire/api/accounts/limits-body.ts";
import { type Check, membersOf } from "../storage/stored-json.ts";

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
