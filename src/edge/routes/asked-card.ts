import type { Context } from "hono";
import { UNTOLD_ABILITIES } from "#domain/abilities.ts";
import type { Failure } from "#domain/failure.ts";
import { STANDARD_MODE, UNTOLD_REFRESH } from "#domain/modes.ts";
import type { ModelCard } from "#domain/quote.ts";
import { UNTOLD_READ_STYLE } from "#domain/read-style.ts";
import type { Result } from "#domain/result.ts";
import type { AskedCard as ReadingCard } from "#wire/api/answers/options.ts";
import type { JsonBody } from "#wire/body/json-body.ts";
import type { EdgeEnv } from "../env.ts";
import { readModels } from "../models/catalog.ts";
import type { Models } from "../models/models.ts";
import { settingsOf } from "../settings.ts";

/** The card of the model that a request asks. */
export interface AskedCard {
  /** Or why it cannot be asked. */
  readonly card: Result<ModelCard, Failure>;
  /**
   * What the request is read by, also where the model cannot be asked: one that was answered before under its Idempotency-Key is
   * told so although its model is gone.
   */
  readonly readBy: ReadingCard;
}

/** What is believed of a model that nobody tells anything of. */
const UNTOLD: ReadingCard = {
  abilities: UNTOLD_ABILITIES,
  blockLength: null,
  mode: STANDARD_MODE,
  refresh: UNTOLD_REFRESH,
  read: UNTOLD_READ_STYLE,
};

/** Reads which models can be asked. `isAnew`: every function is asked. */
export async function modelsOf(c: Context<EdgeEnv>, isAnew = false): Promise<Models> {
  const requestId = c.get("requestId");
  const waitUntil = (work: Promise<unknown>): void => c.executionCtx.waitUntil(work);
  const { FLEET } = c.env;
  return await readModels(settingsOf(c.env), { FLEET, requestId, waitUntil }, { isAnew });
}

/** Finds the card of the model that a request names, or of the usual one. */
export async function cardOf(c: Context<EdgeEnv>, model: string | undefined): Promise<AskedCard> {
  return askedCard((await modelsOf(c)).find(model));
}

/** The same of a card that was found. */
export function askedCard(card: Result<ModelCard, Failure>): AskedCard {
  return { card, readBy: card.ok ? card.value : UNTOLD };
}

/** The body, parsed when it is first asked for and not again. */
export function parsedOnce(body: JsonBody): JsonBody {
  let parsed: ReturnType<JsonBody["parse"]> | undefined;
  return {
    parse: () => {
      parsed ??= body.parse();
      return parsed;
    },
    picture: (text) => body.picture(text),
  };
}

/** The text that a JSON body has in its member `model`; what else stands there is for its parser to refuse. */
export function namedModel(body: JsonBody): string | undefined {
  const parsed = body.parse();
  return parsed.ok ? modelIn(parsed.value) : undefined;
}

/** The text of an object's member `model`. */
export function modelIn(value: unknown): string | undefined {
  const model = typeof value === "object" && value !== null && "model" in value ? value.model : "";
  return typeof model === "string" && model !== "" ? model : undefined;
}
