import type { ModelCard as ToldCard } from "#wire/function/status.ts";
import { logFault } from "../log.ts";
import type { FleetBinding } from "./fleet-client.ts";
import type { ShardSnapshot } from "./fleet-register.ts";
import type { FunctionReport, Outcome, Standing } from "./policy/fleet.ts";
import { heardAnew, standingAfter } from "./policy/standing.ts";
import { type KnownShard, ShardCopy, type ShardSource } from "./shard-copy.ts";
import { SETTINGS_SHARD } from "./shards.ts";

/** For whom the fleet is asked: what reaches its objects, and what keeps the Worker up for what no request waits for. */
export interface FleetCaller extends FleetBinding {
  readonly requestId: string;
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/** A function that replied within this is no host that starts one: it is only slow. */
const AWAKE_MS = 30_000;

/** Threat: an isolate that meets ever new addresses. The one that was not used for longest goes. */
const MAX_STANDINGS = 2_048;

/**
 * What an isolate knows of the functions: copies of what their objects know, and how it fared with each itself. Nothing in it is
 * needed for an answer to be right; a new isolate begins with nothing.
 */
export class FleetMemory {
  readonly #copies = new Map<string, ShardCopy>();
  readonly #standings = new Map<string, Standing>();
  /** When a function was heard last, in milliseconds since 1970. */
  readonly #awakeAt = new Map<string, number>();
  readonly #wokenAt = new Map<string, number>();
  /** Digest of the card that the object of the settings was told of each address. */
  readonly #remembered = new Map<string, string>();

  /** How it fared with each function. */
  get standings(): ReadonlyMap<string, Standing> {
    return this.#standings;
  }

  /** What the object of some functions knew lately; waits where nothing of it is known yet. */
  async shard(name: string, caller: FleetCaller): Promise<KnownShard> {
    return await this.#copy(name).first(sourceOf(name, caller));
  }

  /** The same without waiting; undefined where nothing of it is known yet. */
  known(name: string, caller: FleetCaller): KnownShard | undefined {
    return this.#copy(name).latest(sourceOf(name, caller));
  }

  /** What can be asked of weights that some function of an object has. */
  cards(name: string): readonly { readonly digest: string; readonly card: ToldCard }[] {
    return this.#copy(name).cards;
  }

  /** Takes in how an attempt came out. */
  note(report: FunctionReport, outcome: Outcome, now: number): void {
    const { url } = report;
    const known = this.#standings.get(url);
    const before = known === undefined ? undefined : heardAnew(known, report);
    this.#standings.delete(url);
    this.#standings.set(url, standingAfter(before, outcome, now));
    const [oldest] = this.#standings.keys();
    if (this.#standings.size > MAX_STANDINGS && oldest !== undefined)
      this.#standings.delete(oldest);
    if (outcome.kind === "taken" || outcome.kind === "refused") this.heard(url, now);
  }

  /** A function has said something, whatever it was. */
  heard(url: string, now: number): void {
    this.#awakeAt.set(url, now);
    this.#wokenAt.delete(url);
    if (this.#awakeAt.size <= MAX_STANDINGS) return;
    const [oldest] = this.#awakeAt.keys();
    if (oldest !== undefined) this.#awakeAt.delete(oldest);
  }

  /** Since when this isolate has it woken; undefined where it does not, or it has been heard since. */
  wokenAt(url: string): number | undefined {
    return this.#wokenAt.get(url);
  }

  /** Whether it has said something of late: no host starts it, whatever it takes. */
  isAwake(url: string, now: number): boolean {
    return now - (this.#awakeAt.get(url) ?? 0) < AWAKE_MS;
  }

  /** Has a function woken that is asleep, behind what is asked. */
  wake(url: string, shard: string, caller: FleetCaller, now: number): void {
    if (this.#wokenAt.has(url)) return;
    this.#wokenAt.set(url, now);
    const woken = caller.FLEET.getByName(shard).wake(url);
    caller.waitUntil(
      woken.catch((cause: unknown) => logFault("nobody wakes a function now", url, cause)),
    );
  }

  /** Has what a function of the settings serves remembered, for when it is asleep: once for each isolate and version. */
  remember(url: string, card: ToldCard, caller: FleetCaller): void {
    if (this.#remembered.get(url) === card.digest) return;
    this.#remembered.set(url, card.digest);
    const kept = caller.FLEET.getByName(SETTINGS_SHARD).remember(url, card);
    caller.waitUntil(
      kept.catch((cause: unknown) => {
        this.#remembered.delete(url);
        logFault("what a function serves is not remembered", url, cause);
      }),
    );
  }

  #copy(name: string): ShardCopy {
    const known = this.#copies.get(name) ?? new ShardCopy();
    this.#copies.set(name, known);
    return known;
  }
}

function sourceOf(name: string, { FLEET, requestId, waitUntil }: FleetCaller): ShardSource {
  return {
    // The runtime's types make a pair a list on its way through the call; it arrives as it was.
    read: async (known) => (await FLEET.getByName(name).snapshot(known)) as ShardSnapshot,
    now: Date.now,
    waitUntil,
    onFault: (cause) => logFault(`the fleet's object ${name} cannot be asked`, requestId, cause),
  };
}

/** That of this isolate. */
export const ownFleet: FleetMemory = new FleetMemory();
