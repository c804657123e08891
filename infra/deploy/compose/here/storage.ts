// Stands in for the object storage of compose.yaml where that image cannot be run: workerd's R2, over S3, with checked signatures.
//   node infra/deploy/compose/here/storage.ts PORT READER WRITER OBJECTS BUCKET
// It knows one pair of keys where the image knows two: READER's id and secret, which WRITER's files are made to hold as well.

import { copyFileSync, readFileSync } from "node:fs";
import path from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";

const [port = "", reader = "", writer = "", folder = "", bucket = ""] = process.argv.slice(2);
for (const half of ["id", "secret"])
  copyFileSync(path.join(reader, `s3-reader-${half}`), path.join(writer, `s3-writer-${half}`));
const secret = (half: string): string =>
  readFileSync(path.join(reader, `s3-reader-${half}`), "utf8");

const workerd = new Miniflare(
  convertV4MiniflareOptions({
    ...{ host: "127.0.0.1", port: Number(port), cf: false as const, logRequests: false },
    telemetry: { enabled: false },
    resourcePersistencePath: path.resolve(folder),
    unsafeTriggerHandlers: false,
    unsafeLocalExplorer: false,
    unsafeObservability: false,
    workers: [
      {
        ...{ name: "storage", modules: true },
        script: "export default { fetch: () => new Response() };",
        r2Buckets: {
          OBJECTS: {
            id: bucket,
            s3Credentials: { accessKeyId: secret("id"), secretAccessKey: secret("secret") },
          },
        },
      },
    ],
  }),
);
await workerd.ready;
process.once("SIGTERM", async () => {
  await workerd.dispose();
  process.exit(0);
});
