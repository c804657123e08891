import type { DispatchMeans, ServingFleet } from "#edge/fleet/dispatch.ts";
import type { FunctionReport, Standing } from "#edge/fleet/policy/fleet.ts";
import { standingAfter } from "#edge/fleet/policy/standing.ts";

/** A function at an address, of which nothing is known but that it is there. */
export function functionAt(url: string, overrides: Partial<FunctionReport> = {}): FunctionReport {
  return {
    ...{ url, region: "", provider: "cpu", model: "demo", digest: null, numerics: null },
    state: { kind: "warm" },
    load: { queuedSteps: 0, msPerStep: null, running: 0, waiting: 0, places: 0, queueLength: 0 },
    heardAt: Date.now(),
    ...overrides,
  };
}

/** A fleet of functions as one isolate sees it, with what it has seen of them; `woken` are those it has had woken. */
export function fleetOf(
  functions: readonly (string | FunctionReport)[],
  overrides: Partial<ServingFleet> = {},
): ServingFleet & { readonly woken: readonly string[] } {
  const standings = new Map<string, Standing>();
  const woken: string[] = [];
  return {
    functions: functions.map((one) => (typeof one === "string" ? functionAt(one) : one)),
    loads: [],
    canary: null,
    standings,
    note: ({ url }, outcome) =>
      void standings.set(url, standingAfter(standings.get(url), outcome, Date.now())),
    wake: (url) => void woken.push(url),
    isAwake: () => true,
    ...overrides,
    woken,
  };
}

/** Where chance is out of the game: the first that is not known to be worse. */
export function firstOf(
  functions: readonly (string | FunctionReport)[],
): Pick<DispatchMeans, "fleetOf" | "random" | "now"> {
  const fleet = fleetOf(functions);
  return { fleetOf: async () => fleet, random: () => 0, now: Date.now };
}
