import type { ServingFleet } from "../fleet/dispatch.ts";
import { type FleetMemory, ownFleet } from "../fleet/fleet-memory.ts";
import { canaryShare } from "../fleet/policy/canary.ts";
import type { CanarySplit, FunctionReport, PastLoads } from "../fleet/policy/fleet.ts";
import { SETTINGS_SHARD, shardsOf } from "../fleet/shards.ts";
import type { Settings } from "../settings.ts";
import { type CatalogCaller, type ModelCatalog, ownCatalog, type Told } from "./catalog.ts";
import { usualDigest } from "./usual-digest.ts";

/** What says which functions there are. */
type FleetSettings = Pick<Settings, "functionUrls" | "functionKeys" | "canaries">;

/** What is asked in another memory than the isolate's own. */
interface ServingMeans {
  readonly catalog?: ModelCatalog;
  readonly fleet?: FleetMemory;
}

/** Of a function that says nothing of what it has to do. */
const UNTOLD_LOAD: FunctionReport["load"] = {
  queuedSteps: 0,
  msPerStep: null,
  running: 0,
  waiting: 0,
  places: 0,
  queueLength: 0,
};

/**
 * The functions that serve a model: those of the settings, and those that registered, as this isolate knows them. A lone function
 * of the settings is the one, and is not asked. Objects are asked where nothing of them is known yet, and else behind the answer.
 */
export async function fleetServing(
  model: string,
  settings: FleetSettings,
  caller: CatalogCaller,
  { catalog = ownCatalog, fleet = ownFleet }: ServingMeans = {},
): Promise<ServingFleet> {
  const shards = shardsOf(settings, model);
  const [ofSettings, registered] = await Promise.all([
    functionsOfSettings(model, settings, caller, { catalog, fleet }),
    Promise.all(shards.map((shard) => fleet.shard(shard, caller))),
  ]);
  const [only, ...others] = registered;
  // One region alone: the very list that the object told, for which everything was found out once.
  const isOne = only !== undefined && others.length === 0 && ofSettings.length === 0;
  const isAwake = (url: string): boolean => fleet.isAwake(url, Date.now());
  return {
    functions: isOne
      ? only.functions
      : [...registered.flatMap(({ functions }) => functions), ...ofSettings],
    loads: [
      ...registered.flatMap(({ loads }) => loads),
      ...loadsOfSettings(fleet, caller, ofSettings),
    ],
    canary: canaryOf(model, settings),
    standings: fleet.standings,
    note: (report, outcome) => fleet.note(report, outcome, Date.now()),
    wake: (url) => fleet.wake(url, shardOf(url, shards, registered), caller, Date.now()),
    isAwake,
  };
}

/** Whether some function has such weights of a model, as far as all of them are known. */
export async function hasWeights(
  model: string,
  digest: string,
  settings: FleetSettings,
  caller: CatalogCaller,
  { catalog = ownCatalog, fleet = ownFleet }: ServingMeans = {},
): Promise<{ readonly isServed: boolean; readonly served: readonly string[] }> {
  const words = await Promise.all(settings.functionUrls.map((url) => catalog.told(url, caller)));
  const registered = await Promise.all(
    shardsOf(settings, model).map((shard) => fleet.shard(shard, caller)),
  );
  const ofSettings = words.flatMap(({ word }) =>
    word.ok && word.value.id === model ? [word.value.digest] : [],
  );
  const digests = registered.flatMap(({ functions }) =>
    functions.flatMap((one) => one.digest ?? []),
  );
  const served = [...new Set([...ofSettings, ...digests])];
  const areAllKnown = words.every(({ word }) => word.ok) && served.length > 0;
  return { isServed: !areAllKnown || served.includes(digest), served };
}

/**
 * Digest of the weights that would answer, were it asked under this id; undefined where no function is ready to say. With a canary
 * the answer's own side of it says.
 */
export async function digestServed(
  model: string,
  settings: FleetSettings,
  caller: CatalogCaller,
  {
    answerId,
    catalog = ownCatalog,
    fleet = ownFleet,
  }: ServingMeans & { readonly answerId: string },
): Promise<string | undefined> {
  const heard = await Promise.all(settings.functionUrls.map((url) => catalog.told(url, caller)));
  const ofSettings = heard.flatMap(({ word }) =>
    word.ok && word.value.id === model ? [{ model, digest: word.value.digest }] : [],
  );
  const shards = await Promise.all(
    shardsOf(settings, model).map((shard) => fleet.shard(shard, caller)),
  );
  const registered = shards.flatMap(({ functions }) =>
    functions.filter(({ state: { kind } }) => kind === "warm" || kind === "loading"),
  );
  const all = [...registered, ...ofSettings];
  const canary = canaryOf(model, settings);
  if (canary === null)
    return (registered.length === 0 ? ofSettings[0]?.digest : usualDigest(all, {})) ?? undefined;
  const isOfCanary = canaryShare(answerId) * 100 < canary.percent;
  const side = all.filter(({ digest }) => (digest === canary.digest) === isOfCanary);
  return usualDigest(side.length === 0 ? all : side, {}) ?? undefined;
}

function canaryOf(model: string, { canaries }: Pick<Settings, "canaries">): CanarySplit | null {
  return (Object.hasOwn(canaries, model) ? canaries[model] : undefined) ?? null;
}

async function functionsOfSettings(
  model: string,
  { functionUrls, functionKeys }: FleetSettings,
  caller: CatalogCaller,
  { catalog, fleet }: Required<ServingMeans>,
): Promise<readonly FunctionReport[]> {
  const [lone] = functionUrls;
  if (lone !== undefined && functionUrls.length === 1 && functionKeys.length === 0)
    return [unheard(lone, model, fleet)];
  const heard = await Promise.all(functionUrls.map((url) => catalog.told(url, caller)));
  return functionUrls.flatMap((url, index) => {
    const told = heard[index];
    return told === undefined ? [] : (toldReport(url, model, told, fleet) ?? []);
  });
}

/** What is known of a lone function that is not asked: no more than whether this isolate has it woken. */
function unheard(url: string, model: string, fleet: FleetMemory): FunctionReport {
  const wokenAt = fleet.wokenAt(url);
  return {
    ...{ url, region: "", provider: "", model, digest: null, numerics: null },
    state: wokenAt === undefined ? { kind: "warm" } : { kind: "asleep", wokenAt },
    load: UNTOLD_LOAD,
    heardAt: Date.now(),
  };
}

/** Undefined for one that serves another model, or of which nothing is known. One that is away for the moment may be back. */
function toldReport(
  url: string,
  model: string,
  { word, last }: Told,
  fleet: FleetMemory,
): FunctionReport | undefined {
  const card = word.ok ? word.value : last;
  if (card?.id !== model) return undefined;
  const { digest, provider } = card;
  return { ...unheard(url, model, fleet), digest, provider };
}

/** Of a function of the settings its object knows how long it took to start, once that was asked for anything. */
function loadsOfSettings(
  fleet: FleetMemory,
  caller: CatalogCaller,
  functions: readonly FunctionReport[],
): readonly PastLoads[] {
  if (!functions.some(({ state }) => state.kind === "asleep")) return [];
  return fleet.known(SETTINGS_SHARD, caller)?.loads ?? [];
}

function shardOf(
  url: string,
  shards: readonly string[],
  registered: readonly { readonly functions: readonly FunctionReport[] }[],
): string {
  const index = registered.findIndex(({ functions }) => functions.some((one) => one.url === url));
  return shards[index] ?? SETTINGS_SHARD;
}
