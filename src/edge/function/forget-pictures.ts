import { FORGET_PATH } from "#wire/function/generate.ts";
import { newId } from "../id.ts";
import { logFault } from "../log.ts";
import type { Settings } from "../settings.ts";
import { callFunction } from "./client.ts";
import { NO_MODEL, signedRequest } from "./signed-request.ts";

/** A function that takes longer counts as gone, and its memory with it. */
const PATIENCE_MS = 5_000;

/** Has every function forget what it keeps in memory of an account's pictures. One that cannot be reached is passed over: what it keeps ends with its process. */
export async function forgetPicturesOf(
  accountId: string,
  functionUrls: readonly string[],
  settings: Pick<Settings, "ticketKey">,
): Promise<void> {
  const requestId = newId("req");
  await Promise.all(
    functionUrls.map(async (functionUrl) => {
      try {
        const body = new Uint8Array(new TextEncoder().encode("{}"));
        const init = await signedRequest(
          body,
          { jobId: requestId, accountId, model: NO_MODEL },
          settings,
        );
        const signal = AbortSignal.timeout(PATIENCE_MS);
        const reply = await callFunction({ functionUrl, requestId, signal }, FORGET_PATH, init);
        if (!reply.ok)
          logFault(
            "a function did not forget an account's pictures",
            requestId,
            reply.refusal.kind,
          );
      } catch (cause) {
        logFault("a function could not be told to forget an account's pictures", requestId, cause);
      }
    }),
  );
}
