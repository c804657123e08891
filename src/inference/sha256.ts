import { createHash } from "node:crypto";
import type { Hasher } from "#weights/digest.ts";

/** Hashes while bytes arrive, by the platform's own code (with SHA instructions where the processor has them). */
export function createSha256(): Hasher {
  const hash = createHash("sha256");
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digestHex: () => hash.digest("hex"),
  };
}
