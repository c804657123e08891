import * as z from "zod";

/** Where the weights of a downloadable model lie. */
export interface ModelBundleBody {
  readonly object: "model.bundle";
  readonly model: string;
  readonly version: string;
  /** Hex SHA-256 of the manifest: the model's digest. */
  readonly digest: string;
  /** Of all shards and files. */
  readonly bytes: number;
  /** Paths; the second with `{sha256}` where a blob's name belongs. */
  readonly manifest: string;
  readonly blobs: string;
}

export const modelBundleSchema: z.ZodType<ModelBundleBody> = z
  .strictObject({
    object: z.literal("model.bundle"),
    model: z.string(),
    version: z.string(),
    digest: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .meta({
        description: "SHA-256 of the manifest: the model's digest.",
      }),
    bytes: z.int().nonnegative().meta({ description: "Of all shards and files." }),
    manifest: z.string().meta({ description: "Path of the manifest." }),
    blobs: z.string().meta({
      description: "Path of a shard or file, {sha256} standing for its name.",
    }),
  })
  .meta({ id: "ModelBundle" });
