import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

// The examples for phones cannot be compiled here. What can be held against the API is what they say to it.

const served = readFileSync("src/edge/app.ts", "utf8");
const told = readFileSync("src/wire/event-schemas.ts", "utf8");

describe.each(["AskUnmask.swift", "AskUnmask.kt"])("infra/examples/%s", (name) => {
  const text = readFileSync(`infra/examples/${name}`, "utf8");

  test("speaks to routes that are served", () => {
    const paths = [...text.matchAll(/"\/?(v1\/[^"]*)"/g)].map(([, path = ""]) =>
      `/${path}`.replace(/\\\([^)]*\)|\$\{[^}]*\}/, ":id"),
    );
    expect(new Set(paths)).toEqual(
      new Set(["/v1/images", "/v1/answers", "/v1/answers/:id/events"]),
    );
    for (const path of paths) expect(served).toMatch(new RegExp(`app\\.(?:get|post)\\("${path}"`));
  });

  test("says with headers who asks, asks once, and comes back to where it was", () => {
    for (const header of ["Authorization", "Idempotency-Key", "Last-Event-ID", "text/event-stream"])
      expect(text).toContain(`"${header}"`);
  });

  test("goes on behind every event that is not an end, and stops behind all others", () => {
    const open = [...text.matchAll(/"(answer\.[a-z]+)"/g)].map(([, event]) => event);
    expect(open).toEqual(["answer.started", "answer.frame", "answer.restarted"]);
    for (const event of open) expect(told).toContain(`"${event}"`);
  });

  test("has some forty lines, and says that it is not compiled", () => {
    const lines = text
      .split("\n")
      .filter((line) => line.trim() !== "" && !/^(?:import|\/\/)/.test(line));
    expect(lines.length).toBeLessThan(50);
    expect(text).toContain("Not compiled by this repository's tests.");
  });
});
