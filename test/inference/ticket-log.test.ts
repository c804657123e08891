import { expect, test } from "vitest";
import { createTicketLog } from "#inference/ticket-log.ts";

test("a ticket is taken once while it could still be valid, and forgotten after that", () => {
  let now = 0;
  const tickets = createTicketLog(() => now);
  expect(tickets.admit("a")).toBe(true);
  now = 119_999;
  expect(tickets.admit("a")).toBe(false);
  expect(tickets.admit("b")).toBe(true);
  now = 120_000;
  expect(tickets.admit("a")).toBe(true);
  expect(tickets.admit("b")).toBe(false);
});
