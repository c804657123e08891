import { type FleetCaller, type FleetMemory, ownFleet } from "../fleet/fleet-memory.ts";
import { type FunctionReport, LOST_AFTER_MS } from "../fleet/policy/fleet.ts";
import { shardsOf } from "../fleet/shards.ts";
import type { Settings } from "../settings.ts";
import type { KnownFunction, WatchedState } from "./function-watch.ts";

/**
 * The functions that registered, as this isolate's copies know them: seconds old, and a sample where one object has more than a
 * snapshot takes. Never rejects: an object that cannot be reached knows of nobody.
 */
export async function registeredFunctions(
  settings: Pick<Settings, "functionKeys">,
  caller: FleetCaller,
  now: number,
  fleet: FleetMemory = ownFleet,
): Promise<readonly KnownFunction[]> {
  const shards = await Promise.all(shardsOf(settings).map((name) => fleet.shard(name, caller)));
  return shards.flatMap(({ functions }) => functions.map((report) => knownFunction(report, now)));
}

function knownFunction(
  { model, state, load, heardAt }: FunctionReport,
  now: number,
): KnownFunction {
  const isLost = state.kind !== "asleep" && now - heardAt > LOST_AFTER_MS;
  const etaMs = state.kind === "loading" ? state.etaMs : null;
  const { running, waiting, places, queuedSteps } = load;
  return {
    model,
    state: isLost ? "unreachable" : stateOf(state.kind),
    etaSeconds: etaMs === null ? null : Math.ceil(etaMs / 1000),
    load: { running, waiting, places, queuedSteps },
  };
}

function stateOf(kind: FunctionReport["state"]["kind"]): WatchedState {
  return kind === "warm" ? "ready" : kind;
}
