import { expect, test } from "vitest";
import { isAcceptable, preferredType } from "#edge/headers/accept.ts";

const json = "application/json";
const events = "text/event-stream";

test.each([
  [undefined, json],
  ["", json],
  ["*/*", json],
  [events, events],
  [`${events};q=0`, json],
  [`${events};q=0.0, */*`, json],
  [`${json};q=0, */*`, events],
  [`${events};q=0.1, ${json}`, json],
  [`${json};q=0.5, ${events}`, events],
  [`${events}, ${json}`, events],
  [`${json}, ${events}`, json],
  [`*/*, ${events}`, events],
  ["text/*", events],
  [`text/*;q=0, ${events}`, events],
  ["TEXT/EVENT-STREAM; charset=utf-8 ; Q=1", events],
  [`${events};q=soon`, events],
  // Nothing of it can be sent; what can is better than no reply.
  ["image/png", json],
  ["not-text/event-stream-at-all", json],
])("Accept: %s prefers %s", (header, type) => {
  expect(preferredType(header, [json, events])).toBe(type);
});

test.each([
  [undefined, true],
  ["*/*", true],
  ["text/*", true],
  [`${json}, ${events};q=0.1`, true],
  [json, false],
  [`*/*, ${events};q=0`, false],
  ["", false],
])("Accept: %s takes events: %s", (header, isTaken) => {
  expect(isAcceptable(header, events)).toBe(isTaken);
});
