import { DurableObject } from "cloudflare:workers";
import type { HeartbeatBody } from "#wire/fleet/heartbeat.ts";
import type { ModelCard as ToldCard } from "#wire/function/status.ts";
import { readStatus } from "../function/client.ts";
import { logFault } from "../log.ts";
import { durableStore } from "../storage/sql-store.ts";
import type { FleetCalls } from "./fleet-client.ts";
import { FleetRegister, type ShardSnapshot } from "./fleet-register.ts";
import { regionOf } from "./shards.ts";
import { FleetRows } from "./storage/fleet-rows.ts";

/** A function that is being started is waited for so long: what holds a connection longer has forgotten it. */
const WAKE_MS = 10 * 60_000;

/** Between two looks at one that refuses connections, or loads its weights. */
const LOOK_MS = 2_000;

/** Threat: an object that holds more connections than its platform gives it. */
const MAX_WAKING = 16;

/**
 * The Durable Object of the functions of one model in one region, or of those of the settings: what they say of themselves, how
 * long their weights took to load, and who is being woken. No answer waits for it: dispatchers keep copies of what it knows.
 */
export class FleetObject extends DurableObject implements FleetCalls {
  readonly #register: FleetRegister;

  constructor(state: DurableObjectState, env: object) {
    super(state, env);
    const region = regionOf(state.id.name ?? "");
    this.#register = new FleetRegister(
      new FleetRows(durableStore(state.storage)),
      region,
      Date.now(),
    );
  }

  async hear(report: HeartbeatBody): Promise<{ readonly wantsCard: boolean } | null> {
    return this.#register.hear(report, Date.now());
  }

  async remember(url: string, card: ToldCard): Promise<void> {
    this.#register.remember(url, card, Date.now());
  }

  async snapshot(known: readonly string[]): Promise<ShardSnapshot> {
    return this.#register.snapshot(known, Math.random, Date.now());
  }

  async addresses(): Promise<readonly string[]> {
    return this.#register.addresses;
  }

  /**
   * Has the host of an address that sleeps start its function: asks how it is, and holds on until it says that it is ready. So one
   * connection waits for it, and no paid work. How long it took is remembered.
   */
  async wake(url: string): Promise<void> {
    const register = this.#register;
    if (!register.has(url) || register.isWaking(url) || register.waking >= MAX_WAKING) return;
    const since = Date.now();
    register.wakes(url, since);
    // Not waited for: whoever calls has others to serve.
    this.ctx.waitUntil(
      this.#untilReady(url, since)
        .then((isReady) => {
          if (isReady) register.loaded(url, Date.now() - since);
        })
        .catch((cause: unknown) => logFault("a function could not be woken", url, cause))
        .finally(() => register.wakes(url, null)),
    );
  }

  async #untilReady(functionUrl: string, since: number): Promise<boolean> {
    while (Date.now() - since < WAKE_MS) {
      const signal = AbortSignal.timeout(WAKE_MS - (Date.now() - since));
      const status = await readStatus({ functionUrl, requestId: "wake", signal }, WAKE_MS).catch(
        (cause: unknown) => {
          if (!signal.aborted) throw cause;
          return null;
        },
      );
      if (status?.ok === true && status.value.state === "ready") return true;
      await scheduler.wait(LOOK_MS);
    }
    return false;
  }
}
