import type { Failure } from "#domain/failure.ts";
import { type Result, refuse } from "#domain/result.ts";
import { mergedCard } from "#wire/function/model-card.ts";
import type { ModelCard as ToldCard } from "#wire/function/status.ts";
import { HOP_VERSION } from "#wire/function/ticket.ts";
import { readModelCard } from "../function/client.ts";
import type { Settings } from "../settings.ts";
import { HeardWord } from "./heard-word.ts";
import { Models, type ServedModel } from "./models.ts";

/** A function tells its model from memory; one that takes longer is not asked for it. */
const PATIENCE_MS = 2_000;

/**
 * A function that restarts or is replaced is away for minutes at the most. So long what it said of its model before holds, and
 * questions are priced and wait for it; whoever takes its place under another card is heard within seconds.
 */
export const LAST_WORD_MS = 600_000;

/** For whom functions are asked, and what keeps the Worker up for it when no request waits. */
export interface CatalogCaller {
  readonly requestId: string;
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/** What a function says of its model. */
export interface Told {
  /** As it was heard within the last seconds, or why it was not. */
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

const ownCatalog = new ModelCatalog();

/** What functions are asked with. */
type Asked = Pick<Settings, "functionUrls" | "cards" | "model">;

/** Reads which models are served, from memory where that is young. Never rejects: what cannot be heard is for `Models` to refuse. */
export async function readModels(
  settings: Asked,
  caller: CatalogCaller,
  { catalog = ownCatalog, isAnew = false }: { catalog?: ModelCatalog; isAnew?: boolean } = {},
): Promise<Models> {
  const { functionUrls, cards } = settings;
  const heard = await Promise.all(functionUrls.map((url) => catalog.told(url, caller, isAnew)));
  const served: ServedModel[] = [];
  let silence: Failure | undefined;
  for (const [index, { word, last }] of heard.entries()) {
    if (!word.ok) silence ??= word.refusal;
    const told = word.ok ? word.value : last;
    if (told === undefined) continue;
    const own = Object.hasOwn(cards, told.id) ? cards[told.id] : undefined;
    const card = mergedCard(told, own);
    // Of the third version of the hop on, functions tell all that a card is made of.
    if (card === undefined)
      silence ??= { kind: "function_outdated", version: HOP_VERSION - 1, needed: HOP_VERSION };
    else if (!served.some((other) => other.card.id === card.id))
      served.push({
        card,
        told,
        functionUrl: functionUrls[index] ?? "",
        isHeard: word.ok,
        isDownloadable: own?.isDownloadable ?? false,
      });
  }
  return new Models(served, silence, settings);
}

/** The functions that serve a model, in the order of the settings. A lone function is the one, and is not asked. */
export async function functionsServing(
  model: string,
  { functionUrls }: Pick<Settings, "functionUrls">,
  caller: CatalogCaller,
  catalog: ModelCatalog = ownCatalog,
): Promise<readonly string[]> {
  if (functionUrls.length === 1) return functionUrls;
  const heard = await Promise.all(functionUrls.map((url) => catalog.told(url, caller)));
  return functionUrls.filter((_, index) => {
    const { word, last } = heard[index] ?? {};
    return (word?.ok ? word.value : last)?.id === model;
  });
}

/** Digest of the weights that a model has now; undefined where no function is ready to say. */
export async function digestServed(
  model: string,
  { functionUrls }: Pick<Settings, "functionUrls">,
  caller: CatalogCaller,
  catalog: ModelCatalog = ownCatalog,
): Promise<string | undefined> {
  const heard = await Promise.all(functionUrls.map((url) => catalog.told(url, caller)));
  return heard.flatMap(({ word }) => (word.ok ? [word.value] : [])).find(({ id }) => id === model)
    ?.digest;
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
    return refuse({ kind: "function_unreachable" });
  }
}
