import { expect, test } from "vitest";
import { nodeStore } from "../support/ledger-twin.ts";
import { bytesAsStored } from "../support/stored-bytes.ts";

test("Node's SQLite says what it holds as an object's storage does, without what was deleted", () => {
  const [before, full, after] = bytesAsStored(nodeStore());
  expect(full - before).toBeGreaterThan(10_000_000);
  expect(full - after).toBeGreaterThan(8_900_000);
});
