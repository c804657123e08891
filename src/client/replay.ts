import type { ReplayBody } from "#wire/api/answers/replays.ts";
import { type CallOptions, type ClientOptions, readObject, send } from "./send.ts";

/** An answer beside the answer that its question brought about this time. */
export type Replay = ReplayBody;

/** Asks the question of a completed answer again, past the cache, and compares; it is charged like any other. Rejects with UnmaskError. */
export async function replayAnswer(
  options: ClientOptions,
  answerId: string,
  { signal }: CallOptions = {},
): Promise<Replay> {
  const path = `/v1/answers/${encodeURIComponent(answerId)}/replay`;
  const init = { method: "POST", ...(signal === undefined ? {} : { signal }) };
  return await readObject(await send(options, path, init));
}
