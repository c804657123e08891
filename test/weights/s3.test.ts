import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createS3Store } from "#weights/s3.ts";
import { objectStoreContract } from "../contract/object-store.ts";
import { type LocalR2, startLocalR2 } from "../support/local-r2.ts";

let r2: LocalR2;
beforeAll(async () => {
  r2 = await startLocalR2();
});
afterAll(() => r2.close());

objectStoreContract("S3 (R2)", async () => createS3Store(r2.config));

describe("S3 access", () => {
  test("a wrong secret is named, not retried", async () => {
    const store = createS3Store({ ...r2.config, secretAccessKey: "wrong" });
    await expect(store.get("a")).rejects.toMatchObject({ code: "access_denied" });
    await expect(store.put("a", new Uint8Array(1))).rejects.toMatchObject({
      code: "access_denied",
    });
  });

  test("a host that is not there is worth trying again", async () => {
    const store = createS3Store({ ...r2.config, endpoint: "http://127.0.0.1:9" });
    await expect(store.get("a")).rejects.toMatchObject({ code: "store_unavailable" });
  });
});
