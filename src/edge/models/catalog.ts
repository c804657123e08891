import type { Failure } from "#domain/failure.ts";
import { type Result, refuse } from "#domain/result.ts";
import { mergedCard } from "#wire/function/model-card.ts";
import type { ModelCard as ToldCard } from "#wire/function/status.ts";
import { HOP_VERSION } from "#wire/function/ticket.ts";
import { loadingFor } from "../fleet/dispatch.ts";
import { type FleetCaller, type FleetMemory, ownFleet } from "../fleet/fleet-memory.ts";
import { leftOfLoad } from "../fleet/policy/finish.ts";
import { SETTINGS_SHARD, shardsOf } from "../fleet/shards.ts";
import { readModelCard } from "../function/client.ts";
import type { Settings } from "../settings.ts";
import { HeardWord } from "./heard-word.ts";
import { Models, type ServedModel } from "./models.ts";
import { usualDigest } from "./usual-digest.ts";

/** A function tells its model from memory; one that takes longer is not asked for it. */
const PATIENCE_MS = 2_000;

/**
 * A function that restarts or is replaced is away for minutes at the most. So long what it said of its model before holds, and
 * questions are priced and wait for it; whoever takes its place under another card is heard within seconds.
 */
export const LAST_WORD_MS = 600_000;

/** For whom functions are asked, what reaches the objects of the fleet, and what keeps the Worker up for it when no request waits. */
export type CatalogCaller = FleetCaller;

/** For whom functions are asked how they are. */
export type WatchCaller = Omit<FleetCaller, "FLEET">;

/** What a function of the settings says of its model. */
export interface Told {
  /** As it was heard within the last seconds, or why it was not: `function_timeout` where its connection is held. */
  readonly word: Result<ToldCard, Failure>;
  /** As it was heard last, for `LAST_WORD_MS`. */
  readonly last: ToldCard | undefined;
}

/** What an isolate remembers of which function serves which model. */
export class ModelCatalog {
  readonly #words = new Map<string, HeardWord<Result<ToldCard, Failure>>>();

  /** Never rejects. `isAnew`: not from memory. */
  async told(functionUrl: string, caller: CatalogCaller, isAnew = false): Promise<Told> {
    const heard = this.#words.get(functionUrl) ?? new HeardWord(({ ok }) => ok);
    this.#words.set(functionUrl, heard);
    const source = {
      read: () => readCard(functionUrl, caller.requestId),
      now: Date.now,
      waitUntil: caller.waitUntil,
      pause: async (milliseconds: number): Promise<void> => await scheduler.wait(milliseconds),
    };
    const word = await (isAnew ? heard.ask(source) : heard.latest(source));
    const last = heard.lastFirm(Date.now(), LAST_WORD_MS);
    return { word, last: last?.ok ? last.value : undefined };
  }
}

/** That of this isolate. */
export const ownCatalog: ModelCatalog = new ModelCatalog();

/** What functions are asked with. */
type Asked = Pick<Settings, "functionUrls" | "functionKeys" | "canaries" | "cards" | "model">;

/** What is asked in another memory than the isolate's own, or past it. */
export interface ReadingMeans {
  readonly catalog?: ModelCatalog;
  readonly fleet?: FleetMemory;
  /** Whether functions of the settings are asked, whatever was heard of them. */
  readonly isAnew?: boolean;
}

/** Reads which models are served, from memory where that is young. Never rejects: what cannot be heard is for `Models` to refuse. */
export async function readModels(
  settings: Asked,
  caller: CatalogCaller,
  { catalog = ownCatalog, fleet = ownFleet, isAnew = false }: ReadingMeans = {},
): Promise<Models> {
  const [ofSettings, registered] = await Promise.all([
    Promise.all(
      settings.functionUrls.map(async (url) => {
        const told = await catalog.told(url, caller, isAnew);
        return await orAsleep(url, told, fleet, caller);
      }),
    ),
    registeredModels(settings, fleet, caller),
  ]);
  const served: ServedModel[] = [];
  let silence: Failure | undefined;
  for (const { told, url, isHeard, silence: ownSilence } of [...ofSettings, ...registered]) {
    silence ??= ownSilence;
    if (told === undefined) continue;
    const own = Object.hasOwn(settings.cards, told.id) ? settings.cards[told.id] : undefined;
    const card = mergedCard(told, own);
    // Of the third version of the hop on, functions tell all that a card is made of.
    if (card === undefined)
      silence ??= { kind: "function_outdated", version: HOP_VERSION - 1, needed: HOP_VERSION };
    else if (!served.some((other) => other.card.id === card.id)) {
      const isDownloadable = own?.isDownloadable ?? false;
      served.push({ card, told, functionUrl: url, isHeard, isDownloadable });
    }
  }
  return new Models(served, silence, settings);
}

/** What is known of a model at one function. */
interface HeardModel {
  readonly url: string;
  readonly told: ToldCard | undefined;
  readonly isHeard: boolean;
  /** Why it could not be heard. */
  readonly silence: Failure | undefined;
}

/**
 * A function of the settings that holds its connection is being started by its host: its card is the one that was heard last, be it
 * a month ago by another isolate. One that refuses its connection is away.
 */
async function orAsleep(
  url: string,
  { word, last }: Told,
  fleet: FleetMemory,
  caller: CatalogCaller,
): Promise<HeardModel> {
  if (word.ok) {
    fleet.heard(url, Date.now());
    fleet.remember(url, word.value, caller);
    return { url, told: word.value, isHeard: true, silence: undefined };
  }
  if (word.refusal.kind !== "function_timeout")
    return { url, told: last, isHeard: false, silence: word.refusal };
  const { functions, loads } = await fleet.shard(SETTINGS_SHARD, caller);
  const asleep = functions.find((report) => report.url === url);
  const silence: Failure = { kind: "function_unreachable" };
  if (asleep === undefined) return { url, told: last, isHeard: false, silence };
  fleet.wake(url, SETTINGS_SHARD, caller, Date.now());
  const { card } = fleet.cards(SETTINGS_SHARD).find(({ digest }) => digest === asleep.digest) ?? {};
  const loading = loadingFor(leftOfLoad(asleep, loads, Date.now()));
  return { url, told: last ?? card, isHeard: false, silence: loading };
}

/** The models of functions that register by themselves, by the version that most of them have and that is no canary. */
async function registeredModels(
  settings: Asked,
  fleet: FleetMemory,
  caller: CatalogCaller,
): Promise<readonly HeardModel[]> {
  return await Promise.all(
    shardsOf(settings).map(async (shard): Promise<HeardModel> => {
      const { functions } = await fleet.shard(shard, caller);
      const most = usualDigest(functions, settings.canaries);
      const report = functions.find(({ digest }) => digest === most);
      const { card } = fleet.cards(shard).find(({ digest }) => digest === most) ?? {};
      const isHeard = functions.some(
        ({ state: { kind } }) => kind === "warm" || kind === "loading",
      );
      const silence: Failure | undefined = isHeard ? undefined : { kind: "function_unreachable" };
      return { url: report?.url ?? "", told: card, isHeard, silence };
    }),
  );
}

async function readCard(
  functionUrl: string,
  requestId: string,
): Promise<Result<ToldCard, Failure>> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await readModelCard({ functionUrl, requestId, signal });
  } catch (cause) {
    if (!signal.aborted) throw cause;
    return refuse({ kind: "function_timeout", silentSeconds: PATIENCE_MS / 1000 });
  }
}
