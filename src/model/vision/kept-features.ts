import type { ImageLayout } from "#domain/image/layout.ts";
import type { Tensor } from "#domain/tensor.ts";

/** What tower and projector made of a picture. */
export interface PictureFeatures {
  /** The vectors that stand for it in the prompt: [count, D]. */
  readonly vectors: Tensor;
  /** How far inside of the model's world it is (`domainScore`); absent where the model brings no score. */
  readonly domainScore?: number;
}

/** What became of pictures, kept between questions. */
export type KeptFeatures = Kept<PictureFeatures>;

/** Values that took work, kept between questions. What is found is never written to. */
export interface Kept<Value> {
  /** What is kept under a key; undefined where there is nothing. */
  find(key: string): Value | undefined;
  /**
   * Makes what is not kept, and keeps it. Whoever asks for a key that is being made waits for that; the making's signal is
   * aborted once nobody waits any more. Rejects as the making does, and with the signal's reason once that is aborted.
   */
  make(
    key: string,
    making: (signal: AbortSignal) => Promise<Value>,
    signal: AbortSignal,
  ): Promise<Value>;
}

/** Features that can be forgotten by whom they were kept for. */
export type FeatureStore = KeptStore<PictureFeatures>;

/** Values that can be forgotten by whom they were kept for. */
export interface KeptStore<Value> extends Kept<Value> {
  /** Forgets what is kept under keys that begin so. */
  forget(beginning: string): void;
}

/**
 * What is kept for those alone who ask under one name. Equal pictures of others are made anew: how fast an answer comes, and what
 * it says of what was kept, would tell that somebody else has asked about them.
 */
export function keptFor<Value>(name: string, kept: Kept<Value>): Kept<Value> {
  const within = (key: string): string => `${name} ${key}`;
  return {
    find: (key) => kept.find(within(key)),
    make: (key, making, signal) => kept.make(within(key), making, signal),
  };
}

/**
 * Names what becomes of a picture: its pixels and how they are cut. Both follow from file, detail and the model's image policy.
 * @param pictureDigest of the decoded picture, its size included
 */
export function featureKey(pictureDigest: string, layout: ImageLayout): string {
  return `${pictureDigest} ${JSON.stringify(layout)}`;
}
