import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PAGE, printedOn, readPage, withoutFigures, withoutLines, withPrinted } from "./walk.ts";

// Runs what the page of deploying prints and holds what it says they printed against it; with WALK=write it writes it there.

const isWriting = process.env["WALK"] === "write";

test.each([
  ["dry-run", ["run", "deploy", "--silent", "--", "--env", "production", "--dry-run"]],
  ["compose", ["run", "bench", "--silent", "--", "compose"]],
] as const)(
  "%s prints what the page says",
  (name, args) => {
    const said = execFileSync("npm", args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lasting = withoutLines(said.trimEnd());
    if (isWriting) writeFileSync(PAGE, withPrinted(readPage(), name, lasting));
    expect(withoutFigures(printedOn(readPage(), name))).toBe(withoutFigures(lasting));
  },
  600_000,
);
