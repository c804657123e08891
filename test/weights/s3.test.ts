import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import { createS3Store, type S3Config } from "#weights/s3.ts";
import { byteSourceContract } from "../contract/byte-source.ts";
import { objectStoreContract } from "../contract/object-store.ts";
import { cephIsInstalled, startCephRgw } from "../support/ceph-rgw.ts";
import { startLocalR2 } from "../support/local-r2.ts";

interface S3Server {
  readonly config: S3Config;
  close(): Promise<void>;
}

/** Both servers come up in 2 to 12 s. This is longer than their launchers' own limits, whose errors say more. */
const START_TIMEOUT_MS = 180_000;

s3Contract("S3 (R2)", startLocalR2);

if (cephIsInstalled()) {
  s3Contract("S3 (Ceph RGW)", startCephRgw);
} else {
  console.warn(
    'skipped: "S3 (Ceph RGW)" (no Ceph found; on Debian: apt-get install --no-install-recommends radosgw ceph-mon ceph-osd)',
  );
  test.skip("S3 (Ceph RGW)", () => {});
}

// Any other server (MinIO, AWS) takes the same examination when an empty bucket of it is named, as the JSON of an S3Config.
const other = process.env["UNMASK_TEST_S3"];
if (other !== undefined) {
  const config: S3Config = JSON.parse(other);
  s3Contract("S3 (UNMASK_TEST_S3)", async () => ({ config, close: async () => {} }));
}

test("every request brings along the trace that it belongs to, where there is one", async () => {
  const heard: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    heard.push(request.headers["traceparent"]?.toString());
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const config: S3Config = {
    ...{ endpoint: `http://127.0.0.1:${port}`, region: "auto", bucket: "models" },
    ...{ accessKeyId: "local", secretAccessKey: "local" },
  };
  const traceparent = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`;
  await createS3Store({ ...config, traceparent }).head("a");
  await createS3Store(config).head("a");
  server.closeAllConnections();
  server.close();
  expect(heard).toEqual([traceparent, undefined]);
});

test("a host that is not there is worth trying again", async () => {
  const store = createS3Store({
    endpoint: "http://127.0.0.1:9",
    region: "auto",
    bucket: "models",
    accessKeyId: "local",
    secretAccessKey: "secret",
  });
  await expect(store.get("a")).rejects.toMatchObject({ code: "store_unavailable" });
});

function s3Contract(name: string, start: () => Promise<S3Server>): void {
  describe(name, () => {
    let server: S3Server;
    beforeAll(async () => {
      server = await start();
    }, START_TIMEOUT_MS);
    afterAll(() => server?.close()); // there is none when the start failed

    objectStoreContract("a bucket", async () => createS3Store(server.config));

    let objects = 0;
    byteSourceContract("an object", async (content) => {
      const store = createS3Store(server.config);
      objects += 1;
      await store.put(`source-${objects}`, content);
      const source = await storedCheckpoint(store).open(`source-${objects}`);
      if (source === undefined) throw new Error("the object that was put is not there");
      return source;
    });

    test("a wrong secret is named, not retried", async () => {
      const store = createS3Store({ ...server.config, secretAccessKey: "wrong" });
      await expect(store.get("a")).rejects.toMatchObject({ code: "access_denied" });
      await expect(store.put("a", new Uint8Array(1))).rejects.toMatchObject({
        code: "access_denied",
      });
    });
  });
}
