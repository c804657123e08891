import type { Failure } from "#domain/failure.ts";
import type { ImageHeader } from "#domain/image/header.ts";
import type { Result } from "#domain/result.ts";
import type { ClientToken } from "#wire/api/accounts/client-token.ts";
import type { GrowingFile } from "#wire/body/growing-file.ts";
import type { UploadTokens } from "../keys/upload-tokens.ts";
import { fileDigest } from "../questions/streamed-digest.ts";
import type { KeptUpload, Uploads } from "./uploads.ts";

/**
 * Keeps the picture of a client token that is good for one. Refuses with `upload_token_used`, and as `Uploads.keep`: such a
 * picture leaves the token good for another. A fault leaves it good for the same picture.
 */
export async function keepOnce(
  file: GrowingFile,
  header: ImageHeader,
  {
    uploads,
    tokens,
    token,
    lifetimeMs,
  }: {
    readonly uploads: Uploads;
    readonly tokens: UploadTokens;
    readonly token: ClientToken;
    readonly lifetimeMs: number;
  },
): Promise<Result<KeptUpload, Failure>> {
  const id = `img_${await fileDigest(file)}`;
  const bound = await tokens.bind(token, id);
  if (!bound.ok) return bound;
  const kept = await uploads.keep(file, header, lifetimeMs);
  if (!kept.ok) {
    await tokens.release(token, id);
    return kept;
  }
  const spent = await tokens.spend(token, id);
  return spent.ok ? kept : spent;
}
