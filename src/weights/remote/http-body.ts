import { WeightsError } from "../weights-error.ts";

/** Which part of an object a reply of 206 holds, and how long the whole is; undefined where it does not say. Source: RFC 9110, section 14.4. */
export function contentRange({
  headers,
}: Response): { offset: number; objectBytes: number } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get("content-range") ?? "");
  return match === null ? undefined : { offset: Number(match[1]), objectBytes: Number(match[2]) };
}

/** The bytes of a reply as they come; who stops reading ends the transfer. Throws WeightsError, `store_unavailable`, where they break off. */
export async function* bodyChunks(
  response: Response,
  url: string,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  let isOpen = true;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      isOpen = !done;
      if (done) return;
      yield value;
    }
  } catch (cause) {
    isOpen = false;
    signal?.throwIfAborted();
    throw new WeightsError("store_unavailable", `${url} broke off`, { cause });
  } finally {
    if (isOpen) await reader.cancel(); // a broken stream would answer with its own fault once more
  }
}
