// One-shot of compose.yaml: makes the bucket where it is missing, copies a bundle into it, and ends. What is there with its right
// content is left alone.
//   node infra/deploy/compose/weights.ts FOLDER MODEL      (UNMASK_S3_… as a function has them, with keys that may write)

import { CreateBucketCommand, HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { fileStore } from "#inference/file-store.ts";
import { withSecretFiles } from "#inference/secret-files.ts";
import { storeEnvironment } from "#inference/store-config.ts";
import { copyBundle } from "#weights/copy.ts";
import { createS3Store, type S3Config } from "#weights/s3.ts";

const [folder, name] = process.argv.slice(2);
if (folder === undefined || name === undefined)
  throw new Error("say what: node infra/deploy/compose/weights.ts FOLDER MODEL");
const { store } = storeEnvironment.parse(withSecretFiles(process.env));
if (store.kind !== "s3") throw new Error("UNMASK_BUNDLE is set: there is no bucket to fill");
await makeBucket(store.config);
const { bundle } = await copyBundle(fileStore(folder), createS3Store(store.config), { name });
process.stderr.write(`${name} ${bundle.version} lies in ${store.config.bucket}\n`);

async function makeBucket({ endpoint, region, bucket: Bucket, ...keys }: S3Config): Promise<void> {
  const client = new S3Client({
    ...{ endpoint, region, forcePathStyle: true },
    credentials: { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey },
  });
  try {
    await client.send(new HeadBucketCommand({ Bucket }));
  } catch (cause) {
    const isAbsent = cause instanceof Error && cause.name === "NotFound";
    if (!isAbsent) throw cause;
    await client.send(new CreateBucketCommand({ Bucket }));
  } finally {
    client.destroy();
  }
}
