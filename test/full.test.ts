import { expect, test } from "vitest";
import { forgotten } from "../infra/local/full-parts.ts";

test("every file of which npm test runs nothing or a slice is run in whole by npm run test:full", () => {
  expect(forgotten()).toEqual([]);
});
