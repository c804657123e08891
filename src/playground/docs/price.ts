import { judgeSizes } from "#domain/image/judge.ts";
import { type ModelCard, price, priceOfSteps, type Quote } from "#domain/quote.ts";
import { type PlannedWork, planWork } from "#domain/work.ts";
import type { AnswerFields } from "#wire/api/answers/answer-request.ts";
import { optionProblems, optionsOf } from "#wire/api/answers/options.ts";
import type { ModelBody } from "#wire/api/models.ts";

/** A card under the name that a person chooses it by. */
export interface NamedCard {
  readonly name: string;
  readonly card: ModelCard;
}

/** What `GET /v1/models` tells of a model that its price depends on. */
export type ServedTerms = Pick<
  ModelBody,
  "id" | "canvas" | "block_length" | "mode" | "refresh" | "price_picos"
>;

/** What the calculator asks for; what is absent is what a request gets that leaves it out. */
export interface Asked
  extends Pick<AnswerFields, "detail" | "canvas" | "steps" | "mode" | "refresh"> {
  /** Pixels of each picture, upright. */
  readonly pictures: readonly { readonly width: number; readonly height: number }[];
  /** UTF-8 bytes of the question. */
  readonly textBytes: number;
}

export interface Priced {
  readonly quote: Quote;
  readonly work: PlannedWork;
  /** Of an answer that is told at its deadline when half of its steps had run. */
  readonly halfway: Quote["price"];
}

/** Prices a question as `POST /v1/quotes` does, by the same code. Returns a sentence where the API would refuse the question. */
export function priceOf(
  { pictures, textBytes, ...fields }: Asked,
  card: ModelCard,
): Priced | string {
  const options = optionsOf(fields, card);
  const [problem] = optionProblems(fields, options, card);
  if (problem !== undefined) return `${problem.pointer.slice(1)} ${problem.message}.`;
  if (card.image === null && pictures.length > 0)
    return "This model reads text only: it takes no picture.";
  const fitting = judgeSizes(pictures);
  if (!fitting.ok) return "The pictures have more pixels than are taken: send them smaller.";
  const work = planWork({ pictures, messages: 1, textBytes, options }, card.image);
  const halfway = priceOfSteps(work, card.prices, Math.floor(options.steps / 2));
  return { quote: price(work, card.prices), work, halfway };
}

/**
 * The cards of models as this installation serves them now, of those that there are cards for: `GET /v1/models` tells prices and
 * defaults, and not how many vectors a view has.
 */
export function servedCards(
  cards: readonly NamedCard[],
  models: readonly ServedTerms[],
): readonly NamedCard[] {
  return models.flatMap(({ id, canvas, block_length, mode, refresh, price_picos }) => {
    const known = cards.find(({ card }) => card.id === id)?.card;
    if (known === undefined) return [];
    const { default: standard, recommended, limit } = canvas;
    const card: ModelCard = {
      ...known,
      abilities: { ...known.abilities, canvas: { standard, recommended, limit } },
      blockLength: block_length,
      mode,
      refresh: { standard: refresh.default, limit: refresh.limit },
      prices: {
        view: BigInt(price_picos.view),
        linear: BigInt(price_picos.linear),
        attention: BigInt(price_picos.attention),
      },
    };
    return [{ name: `${id}, as it is served here now`, card }];
  });
}

/** Cards as a file of the site has them: JSON knows no bigint. */
export function cardsText(cards: readonly NamedCard[]): string {
  return JSON.stringify(cards, (_, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : value,
  );
}

/** Reads what `cardsText` wrote. */
export function readCards(text: string): readonly NamedCard[] {
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === "string" && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as readonly NamedCard[];
}
