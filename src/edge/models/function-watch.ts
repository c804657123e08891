import type { Failure } from "#domain/failure.ts";
import type { Result } from "#domain/result.ts";
import type { FunctionStatus } from "#wire/function/status.ts";
import { readStatus } from "../function/client.ts";
import type { Settings } from "../settings.ts";
import { LAST_WORD_MS, type WatchCaller } from "./catalog.ts";
import { HeardWord, MODEL_MS } from "./heard-word.ts";

/** How a function stands towards new work. */
export type WatchedState = "ready" | "loading" | "draining" | "failed" | "unreachable";

/** What is known of a function of the settings. */
export interface WatchedFunction {
  readonly url: string;
  readonly state: WatchedState;
  /** Its model, also while it is away, for as long as its last word holds; null where nobody knows. */
  readonly model: string | null;
  /** What it says now; null where it cannot be heard. */
  readonly status: FunctionStatus | null;
  /** When its word was asked for, in milliseconds since 1970. */
  readonly heardAt: number;
}

interface StatusWord {
  readonly status: Result<FunctionStatus, Failure>;
  readonly heardAt: number;
}

/** What an isolate remembers of how the functions of the settings are: each is asked every few seconds at the most, whoever wants to know. */
export class FunctionWatch {
  readonly #words = new Map<string, HeardWord<StatusWord>>();

  /** Asks where the last word is too old. Never rejects. */
  async look(
    { functionUrls }: Pick<Settings, "functionUrls">,
    caller: WatchCaller,
  ): Promise<readonly WatchedFunction[]> {
    return await Promise.all(functionUrls.map((url) => this.#lookAt(url, caller)));
  }

  async #lookAt(url: string, { requestId, waitUntil }: WatchCaller): Promise<WatchedFunction> {
    const heard = this.#words.get(url) ?? new HeardWord<StatusWord>(({ status }) => status.ok);
    this.#words.set(url, heard);
    const read = async (): Promise<StatusWord> => {
      const heardAt = Date.now();
      // Its own patience ends it; no one request's end does, since others wait for the same word.
      const { signal } = new AbortController();
      return { status: await readStatus({ functionUrl: url, requestId, signal }), heardAt };
    };
    const pause = async (milliseconds: number): Promise<void> => await scheduler.wait(milliseconds);
    const { status, heardAt } = await heard.latest({ read, now: Date.now, waitUntil, pause });
    if (status.ok) {
      const { value } = status;
      return { url, state: stateOf(value), model: value.model.name, status: value, heardAt };
    }
    const last = heard.lastFirm(Date.now(), LAST_WORD_MS)?.status;
    const isLoading = status.refusal.kind === "weights_loading";
    const state = isLoading
      ? "loading"
      : status.refusal.kind === "weights_failed"
        ? "failed"
        : "unreachable";
    return { url, state, model: last?.ok ? last.value.model.name : null, status: null, heardAt };
  }
}

/** The isolate's own. */
export const functionWatch: FunctionWatch = new FunctionWatch();

/** How old what is told of the functions may be, in milliseconds. */
export const WATCH_MS: number = MODEL_MS;

function stateOf({ state, replace, draining }: FunctionStatus): WatchedState {
  if (replace || state === "failed") return "failed";
  return draining === true ? "draining" : state;
}
