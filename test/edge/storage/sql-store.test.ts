import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { durableStore } from "#edge/storage/sql-store.ts";
import { bytesAsStored } from "../../support/stored-bytes.ts";

test("an object's storage says what it holds, without what was deleted", async () => {
  const object = env.WEBHOOKS.getByName("acc_bytes");
  const [before, full, after] = await runInDurableObject(object, (_, { storage }) =>
    bytesAsStored(durableStore(storage)),
  );
  expect(full - before).toBeGreaterThan(10_000_000);
  expect(full - after).toBeGreaterThan(8_900_000);
});
