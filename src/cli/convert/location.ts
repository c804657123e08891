import path from "node:path";
import { fileStore } from "#inference/file-store.ts";
import { type ObjectStore, prefixedStore } from "#weights/object-store.ts";
import { createS3Store } from "#weights/s3.ts";
import { type CommandIo, UsageError } from "../command.ts";

/**
 * Opens where a bundle is written: `s3://bucket[/prefix]` at the endpoint that the environment names, or a local folder.
 * Throws UsageError for an address of another kind or an environment that lacks something.
 */
export function openTarget(address: string, io: Pick<CommandIo, "cwd" | "env">): ObjectStore {
  if (address.startsWith("s3://")) return openBucket(address, io.env);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) {
    throw new UsageError(`cannot write to ${address}: give s3://bucket/prefix or a folder`);
  }
  return fileStore(path.resolve(io.cwd, address));
}

function openBucket(address: string, env: CommandIo["env"]): ObjectStore {
  const [bucket = "", ...folders] = address.slice("s3://".length).replace(/\/+$/, "").split("/");
  if (bucket === "") throw new UsageError(`${address} names no bucket: write s3://bucket/prefix`);
  const variable = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === "") {
      throw new UsageError(
        `set ${name} to reach ${address} (see UNMASK_S3_* in infra/docs/settings.md)`,
      );
    }
    return value;
  };
  const store = createS3Store({
    endpoint: variable("UNMASK_S3_ENDPOINT"),
    region: env["UNMASK_S3_REGION"] ?? "auto",
    bucket,
    accessKeyId: variable("UNMASK_S3_ACCESS_KEY_ID"),
    secretAccessKey: variable("UNMASK_S3_SECRET_ACCESS_KEY"),
  });
  return prefixedStore(store, folders.join("/"));
}
