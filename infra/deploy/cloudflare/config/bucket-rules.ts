import { longestRetention } from "#domain/retention.ts";
import type { WranglerConfig } from "./wrangler-config.ts";

/** By which the platform deletes what lies in a bucket longer than anything of ours lets it. */
export interface BucketRule {
  readonly bucket: string;
  /** Unique in its bucket. */
  readonly name: string;
  /** Of the objects that it deletes; empty: of all. */
  readonly prefix: string;
  /** After so many days. */
  readonly days: number;
}

const DAY_MS = 86_400_000;

/**
 * By the binding of the bucket. An upload may be asked about for so long after it was sent last, and is deleted then by its account's object; a
 * large picture of a question by its answer's, a day after that was made within a day. What neither came to is left to these.
 */
const RULES: Readonly<Record<string, readonly Omit<BucketRule, "bucket">[]>> = {
  IMAGES: [
    { name: "expire-uploads", prefix: "", days: longestRetention.uploadMs / DAY_MS + 1 },
    { name: "expire-work", prefix: "work/", days: 3 },
  ],
};

/** The rules that an environment's buckets must have. */
export function bucketRulesOf({
  r2_buckets: buckets,
}: Pick<WranglerConfig, "r2_buckets">): readonly BucketRule[] {
  return buckets.flatMap(({ binding, bucket_name: bucket }) =>
    (RULES[binding] ?? []).map((rule) => ({ bucket, ...rule })),
  );
}
