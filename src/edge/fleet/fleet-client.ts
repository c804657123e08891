import type { HeartbeatBody } from "#wire/fleet/heartbeat.ts";
import type { ModelCard as ToldCard } from "#wire/function/status.ts";
import type { ObjectsOf } from "../objects.ts";
import type { ShardSnapshot } from "./fleet-register.ts";

/** What the object of some functions is asked. */
export interface FleetCalls {
  /** Takes in what an instance says. Null where there are too many; else whether its card is wanted. */
  hear(report: HeartbeatBody): Promise<{ readonly wantsCard: boolean } | null>;
  /** Remembers what a function of the settings served when it was heard last. */
  remember(url: string, card: ToldCard): Promise<void>;
  /** `known`: names of cards (`cardName`) that whoever asks has. */
  snapshot(known: readonly string[]): Promise<ShardSnapshot>;
  /** Of all functions that it knows, where a snapshot takes some: for what must reach each of them. */
  addresses(): Promise<readonly string[]>;
  /** Has the host of an address that sleeps start its function, unless that is under way. */
  wake(url: string): Promise<void>;
}

/** Where the functions are bound. */
export interface FleetBinding {
  /** One per model and region, and one for the functions of the settings: `shards.ts`. */
  readonly FLEET: ObjectsOf<FleetCalls>;
}
