import {
  HEARTBEATS_PATH,
  type HeartbeatBody,
  heartbeatReplySchema,
  signHeartbeat,
} from "#wire/fleet/heartbeat.ts";
import type { ModelCard } from "#wire/function/status.ts";
import { errorChain, type Log } from "../log.ts";
import type { FleetConfig } from "./fleet-config.ts";

/** Until an edge says otherwise. */
const EVERY_MS = 5_000;

/** An edge that takes longer is told anew. */
const PATIENCE_MS = 4_000;

/** How soon a change of state is told: what happens at once is told as one. */
const SOON_MS = 50;

/** What a function says of itself at a moment, but for who and when. */
export type SaidNow = Omit<HeartbeatBody, "url" | "instance" | "sent_at" | "sleeps" | "card">;

/** What heartbeats are made of. */
export interface HeartbeatParts {
  readonly config: FleetConfig;
  readonly instance: string;
  readonly say: () => SaidNow;
  /** What the model can be asked; undefined before that is known. */
  readonly card: () => ModelCard | undefined;
  readonly now: () => number;
  readonly fetch: typeof fetch;
  readonly log: Log;
}

/** Tells edges that a function is there. */
export interface Heartbeat {
  /** Tells at once what has changed. Resolves when every edge has heard it, or could not. */
  readonly tell: () => Promise<void>;
  readonly stop: () => void;
}

/** Begins to tell. An edge that cannot be reached hinders nothing: it is told again. */
export function startHeartbeat(parts: HeartbeatParts): Heartbeat {
  const edges = parts.config.edgeUrls.map((url) => new EdgeTold(url, parts));
  return {
    tell: async () => {
      await Promise.all(edges.map((edge) => edge.tell()));
    },
    stop: () => {
      for (const edge of edges) edge.stop();
    },
  };
}

class EdgeTold {
  readonly #url: string;
  readonly #parts: HeartbeatParts;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #wantsCard = true;
  #state: string | undefined;
  #fault: string | undefined;
  #everyMs = EVERY_MS;

  constructor(url: string, parts: HeartbeatParts) {
    this.#url = url;
    this.#parts = parts;
    this.#tellIn(0);
  }

  async tell(): Promise<void> {
    clearTimeout(this.#timer);
    const said = this.#parts.say();
    this.#state = said.state;
    const wanted = this.#wantsCard;
    try {
      await this.#send(said);
      this.#note(undefined);
    } catch (cause) {
      this.#note(errorChain(cause));
    }
    // Of weights that it has not heard of yet the edge wants the card, now.
    const isNew = this.#wantsCard && !wanted;
    if (!this.#isStopped) this.#tellIn(isNew ? SOON_MS : this.#everyMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Looks sooner whether something has changed that cannot wait. */
  #tellIn(milliseconds: number): void {
    const dueAt = performance.now() + milliseconds;
    const look = (): void => {
      const hasChanged = this.#state !== undefined && this.#parts.say().state !== this.#state;
      const leftMs = dueAt - performance.now();
      if (leftMs <= 0 || hasChanged) return void this.tell();
      this.#timer = setTimeout(look, Math.min(leftMs, LOOK_MS));
      this.#timer.unref();
    };
    this.#timer = setTimeout(look, Math.min(milliseconds, LOOK_MS));
    this.#timer.unref();
  }

  async #send(said: SaidNow): Promise<void> {
    const { config, instance, now, card } = this.#parts;
    const told = this.#wantsCard && said.digest !== null ? card() : undefined;
    const body: HeartbeatBody = {
      ...{ url: config.ownUrl, instance, sent_at: now(), sleeps: config.sleeps },
      ...said,
      ...(told === undefined ? {} : { card: told }),
    };
    const bytes = Uint8Array.from(new TextEncoder().encode(JSON.stringify(body)));
    const response = await this.#parts.fetch(this.#url + HEARTBEATS_PATH, {
      method: "POST",
      headers: {
        authorization: `Bearer ${await signHeartbeat(bytes, config.key, now())}`,
        "content-type": "application/json",
      },
      body: bytes,
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`the edge says ${response.status}: ${text.slice(0, 300)}`);
    const reply = heartbeatReplySchema.parse(JSON.parse(text));
    this.#wantsCard = reply.wants_card;
    this.#everyMs = reply.next_in_ms;
  }

  /** Once for each change: an edge that is away for a day is a line, not seventeen thousand. */
  #note(fault: string | undefined): void {
    if (fault === this.#fault) return;
    this.#fault = fault;
    const { log } = this.#parts;
    if (fault === undefined) log("fleet.told", { edge: this.#url });
    else log("fleet.untold", { edge: this.#url, error: fault });
  }
}

/** Between two looks at its own state, which is told at once when it changes. */
const LOOK_MS = 500;
