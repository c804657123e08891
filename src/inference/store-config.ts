import * as z from "zod";
import { prefixedStore, type ReadableStore } from "#weights/object-store.ts";
import type { S3Config } from "#weights/s3.ts";
import { fileStore } from "./file-store.ts";

/** Where a bundle is: the part of a bucket below `prefix` ("" is all of it), or a folder of this machine that holds `models/` and `blobs/`. */
export type StoreConfig =
  | { readonly kind: "s3"; readonly config: S3Config; readonly prefix: string }
  | { readonly kind: "folder"; readonly folder: string };

const bucket = z
  .object({
    UNMASK_S3_ENDPOINT: z.url(),
    UNMASK_S3_REGION: z.string().default("auto"),
    UNMASK_S3_BUCKET: z.string(),
    UNMASK_S3_PREFIX: z.string().default(""),
    UNMASK_S3_ACCESS_KEY_ID: z.string(),
    UNMASK_S3_SECRET_ACCESS_KEY: z.string(),
  })
  .transform((values): StoreConfig => {
    const config = {
      endpoint: values.UNMASK_S3_ENDPOINT,
      region: values.UNMASK_S3_REGION,
      bucket: values.UNMASK_S3_BUCKET,
      accessKeyId: values.UNMASK_S3_ACCESS_KEY_ID,
      secretAccessKey: values.UNMASK_S3_SECRET_ACCESS_KEY,
    };
    return { kind: "s3", config, prefix: values.UNMASK_S3_PREFIX.replace(/^\/+|\/+$/g, "") };
  });

const folder = z
  .object({ UNMASK_BUNDLE: z.string().min(1) })
  .transform(({ UNMASK_BUNDLE }): StoreConfig => ({ kind: "folder", folder: UNMASK_BUNDLE }));

/** Reads where the bundle is: a folder where `UNMASK_BUNDLE` names one, and then nothing of a bucket is needed. */
export const storeEnvironment: z.ZodType<{ readonly store: StoreConfig }> = z
  .looseObject({ UNMASK_BUNDLE: z.string().optional() })
  .transform((variables, context) => {
    const form = variables.UNMASK_BUNDLE === undefined ? bucket : folder;
    const parsed = form.safeParse(variables);
    if (parsed.success) return { store: parsed.data };
    for (const { path, message } of parsed.error.issues)
      context.addIssue({ code: "custom", path: [...path], message });
    return z.NEVER;
  });

/** Opens the store. The client of S3 takes 30 MB and a third of a second: only who needs it imports it. */
export async function openStore(store: StoreConfig): Promise<ReadableStore> {
  if (store.kind === "folder") return fileStore(store.folder);
  const { createS3Store } = await import("#weights/s3.ts");
  return prefixedStore(createS3Store(store.config), store.prefix);
}
