import type { Failure } from "#domain/failure.ts";
import type { ModelCard } from "#domain/quote.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { cardAlone } from "#wire/function/model-card.ts";
import type { ModelCard as ToldCard } from "#wire/function/status.ts";
import type { Settings } from "../settings.ts";

/** A model that a function serves. */
export interface ServedModel {
  /** By which it is asked and priced. */
  readonly card: ModelCard;
  /** What its function says of it. */
  readonly told: ToldCard;
  /** The first that serves it. */
  readonly functionUrl: string;
  /** Whether that was heard within the last seconds; else its function is away. */
  readonly isHeard: boolean;
  /** Whether its bundle is given out. */
  readonly isDownloadable: boolean;
}

/** The models that can be asked at this moment. */
export class Models {
  readonly served: readonly ServedModel[];
  /** Why one of the functions could not be heard; undefined where all were. */
  readonly silence: Failure | undefined;
  readonly #cards: readonly ModelCard[];
  readonly #usual: string | undefined;
  readonly #isLone: boolean;

  constructor(
    served: readonly ServedModel[],
    silence: Failure | undefined,
    { cards, model, functionUrls }: Pick<Settings, "cards" | "model" | "functionUrls">,
  ) {
    this.served = served;
    this.silence = silence;
    const heard = served.map(({ card }) => card);
    // A function that cannot be heard may serve what the settings know whole.
    const unheard = silence === undefined ? [] : Object.entries(cards);
    const alone = unheard
      .filter(([id]) => !heard.some((card) => card.id === id))
      .flatMap(([id, own]) => cardAlone(id, own) ?? []);
    this.#cards = [...heard, ...alone];
    this.#usual = model;
    this.#isLone = functionUrls.length === 1;
  }

  /**
   * The card of the model that is asked: the named one, or the usual one, or the only one. Refuses with `unknown_model` naming
   * what is served, with `invalid_request` where a name is needed, and where a function that may serve it is away with what it
   * said, or that it cannot be reached.
   */
  find(name: string | undefined): Result<ModelCard, Failure> {
    const wanted = name ?? this.#usual ?? this.#only()?.id;
    const known = this.#cards.map(({ id }) => id);
    if (wanted === undefined) {
      if (this.silence !== undefined) return refuse(this.silence);
      const message = `is missing: name one of ${known.join(", ")}`;
      return refuse({ kind: "invalid_request", problems: [{ pointer: "/model", message }] });
    }
    const card = this.#cards.find(({ id }) => id === wanted);
    if (card !== undefined) return ok(card);
    return refuse(this.silence ?? { kind: "unknown_model", model: wanted, known });
  }

  /** With one of several functions away nobody knows whether what is left is the only one. */
  #only(): ModelCard | undefined {
    const isAll = this.#isLone || this.silence === undefined;
    return isAll && this.#cards.length === 1 ? this.#cards[0] : undefined;
  }
}
