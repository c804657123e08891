import type { ImageLayout } from "#domain/image/layout.ts";
import type { Tensor } from "#domain/tensor.ts";

/** What tower and projector made of pictures, kept between questions. What is found is never written to. */
export interface KeptFeatures {
  /** The vectors [count, D] that are kept under a key; undefined where there are none. */
  find(key: string): Tensor | undefined;
  /**
   * Makes what is not kept, and keeps it. Whoever asks for a key that is being made waits for that; the making's signal is
   * aborted once nobody waits any more. Rejects as the making does, and with the signal's reason once that is aborted.
   */
  make(
    key: string,
    making: (signal: AbortSignal) => Promise<Tensor>,
    signal: AbortSignal,
  ): Promise<Tensor>;
}

/**
 * What is kept for those alone who ask under one name. Equal pictures of others are made anew: how fast an answer comes, and what
 * it says of what was kept, would tell that somebody else has asked about them.
 */
export function keptFor(name: string, kept: KeptFeatures): KeptFeatures {
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
