import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Hasher } from "#weights/digest.ts";

/** Hashes while bytes arrive: Web Crypto digests only whole buffers, and a shard has up to 64 MiB. */
export function createSha256(): Hasher {
  const hash = sha256.create();
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digestHex: () => bytesToHex(hash.digest()),
  };
}
