import type { Failure } from "#domain/failure.ts";
import type { Result } from "#domain/result.ts";
import type { FunctionStatus } from "#wire/function/status.ts";
import { readStatus } from "../function/client.ts";
import type { Settings } from "../settings.ts";
import { LAST_WORD_MS, type WatchCaller } from "./catalog.ts";
import { HeardWord, MODEL_MS } from "./heard-word.ts";

/** How functions can stand towards new work; `asleep`: nobody is there, and a request would start one. */
export const watchedStates = [
  "ready",
  "loading",
  "asleep",
  "draining",
  "failed",
  "unreachable",
] as const;

/** One of `watchedStates`. */
export type WatchedState = (typeof watchedStates)[number];

/** What whoever looks after the service wants to know of a function. */
export interface KnownFunction {
  readonly state: WatchedState;
  /** Its model, also while it is away, for as long as its last word holds; null where nobody knows. */
  readonly model: string | null;
  /** Seconds until it is ready, as it says while it loads; null where it does not. */
  readonly etaSeconds: number | null;
  /** Null where nobody says. */
  readonly load: KnownLoad | null;
}

/** How much a function has to do: answers, and steps that they still take. */
export interface KnownLoad {
  readonly running: number;
  readonly waiting: number;
  readonly places: number;
  readonly queuedSteps: number;
}

/** What is known of a function of the settings. */
export interface WatchedFunction extends KnownFunction {
  readonly url: string;
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
      const state = stateOf(value);
      const etaSeconds = state === "loading" ? (value.eta_seconds ?? null) : null;
      const model = value.model.name;
      return { url, state, model, etaSeconds, load: loadOf(value), status: value, heardAt };
    }
    const last = heard.lastFirm(Date.now(), LAST_WORD_MS)?.status;
    const isLoading = status.refusal.kind === "weights_loading";
    const state = isLoading
      ? "loading"
      : status.refusal.kind === "weights_failed"
        ? "failed"
        : "unreachable";
    const model = last?.ok ? last.value.model.name : null;
    return { url, state, model, etaSeconds: null, load: null, status: null, heardAt };
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

function loadOf({ running, queued, places, queued_steps }: FunctionStatus): KnownLoad {
  return {
    running: running ?? 0,
    waiting: queued ?? 0,
    places: places ?? 0,
    queuedSteps: queued_steps ?? 0,
  };
}
