import type { AnswerMode } from "#domain/modes.ts";
import type { ModelCard } from "#domain/quote.ts";
import type { ModelListBody } from "#wire/api/models.ts";
import { keptPass } from "../pass/keep.ts";
import {
  type Asked,
  type NamedCard,
  priceOf,
  readCards,
  type ServedTerms,
  servedCards,
} from "./price.ts";

/** Brings the price calculator of a page to life; does nothing where there is none. */
export async function startCalculator(): Promise<void> {
  const form = document.querySelector<HTMLFormElement>("form.calculator");
  const address = form?.dataset["cards"];
  if (form === null || address === undefined) return;
  const response = await fetch(address);
  if (!response.ok) return;
  const cards = readCards(await response.text());
  new Calculator(form, [...servedCards(cards, await servedModels()), ...cards]).start();
}

/** What this installation serves, where the playground has left a pass in this browser; else nothing. */
async function servedModels(): Promise<readonly ServedTerms[]> {
  const pass = keptPass(Date.now());
  if (pass === null) return [];
  try {
    const headers = { authorization: `Bearer ${pass.token}` };
    const response = await fetch("/v1/models", { headers });
    const { data = [] } = response.ok ? ((await response.json()) as Partial<ModelListBody>) : {};
    return data;
  } catch {
    // The cards of the page are there all the same.
    return [];
  }
}

class Calculator {
  readonly #form: HTMLFormElement;
  readonly #cards: readonly NamedCard[];

  constructor(form: HTMLFormElement, cards: readonly NamedCard[]) {
    this.#form = form;
    this.#cards = cards;
  }

  start(): void {
    const model = this.#field("model");
    model.replaceChildren(...this.#cards.map(({ name }, index) => new Option(name, String(index))));
    model.addEventListener("change", () => this.#showCard());
    this.#form.addEventListener("input", () => this.#show());
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.hidden = false;
    this.#showCard();
  }

  /** Puts in what the chosen card says, so that a person begins with what a request gets that says nothing. */
  #showCard(): void {
    const { prices, abilities, mode, refresh } = this.#chosen();
    this.#field("view").value = String(prices.view);
    this.#field("linear").value = String(prices.linear);
    this.#field("attention").value = String(prices.attention);
    this.#field("canvas").value = String(abilities.canvas.standard);
    this.#field("canvas").max = String(abilities.canvas.limit);
    this.#field("steps").value = "";
    this.#field("mode").value = mode;
    this.#field("refresh").value = String(refresh.standard);
    this.#show();
  }

  #show(): void {
    const told = this.#form.querySelector("output");
    if (told === null) return;
    this.#field("refresh").disabled = this.#field("mode").value !== "cached";
    const priced = priceOf(this.#asked(), this.#card());
    if (typeof priced === "string") {
      told.replaceChildren(element("p", priced, "trouble"));
      return;
    }
    const { quote, work, halfway } = priced;
    const count = (value: number): string => value.toLocaleString("en-US");
    const rows: readonly (readonly [string, string])[] = [
      ["1,000 answers", dollars(Number(quote.price) * 1000)],
      ["told at half of its steps", dollars(Number(halfway))],
      ["picture vectors", count(quote.imageVectors)],
      ["positions of a whole pass", count(work.positions)],
      ["passes, of which whole", `${count(quote.forwardPasses)}, ${count(quote.refreshes)}`],
      ["positions computed in all", count(quote.rows)],
    ];
    const list = element("dl", "");
    for (const [name, value] of rows) list.append(element("dt", name), element("dd", value));
    const price = element("p", dollars(Number(quote.price)), "price");
    price.append(element("small", ` an answer · ${count(Number(quote.price))} micro-dollars`));
    told.replaceChildren(price, list);
  }

  #asked(): Asked {
    const width = this.#number("width") ?? 1;
    const height = this.#number("height") ?? 1;
    const steps = this.#number("steps");
    const mode = this.#field("mode").value as AnswerMode;
    return {
      pictures: Array.from({ length: this.#number("pictures") ?? 0 }, () => ({ width, height })),
      textBytes: new TextEncoder().encode(this.#field("question").value).length,
      detail: this.#field("detail").value === "low" ? "low" : "auto",
      canvas: Math.max(1, this.#number("canvas") ?? this.#chosen().abilities.canvas.standard),
      ...(steps === undefined ? {} : { steps: Math.max(1, steps) }),
      mode,
      // In other modes it is their own, and named it is refused.
      ...(mode === "cached" ? { refresh: Math.max(1, this.#number("refresh") ?? 1) } : {}),
    };
  }

  /** The chosen card, at the prices that stand in the form. */
  #card(): ModelCard {
    const picos = (name: string): bigint => BigInt(Math.max(0, this.#number(name) ?? 0));
    const prices = { view: picos("view"), linear: picos("linear"), attention: picos("attention") };
    return { ...this.#chosen(), prices };
  }

  #chosen(): ModelCard {
    const card = this.#cards[Number(this.#field("model").value)]?.card ?? this.#cards[0]?.card;
    if (card === undefined) throw new Error("the calculator has no cards");
    return card;
  }

  /** A whole number; undefined where the field is empty. */
  #number(name: string): number | undefined {
    const { value } = this.#field(name);
    const number = Math.trunc(Number(value));
    return value.trim() === "" || !Number.isSafeInteger(number) ? undefined : number;
  }

  #field(name: string): HTMLInputElement & HTMLSelectElement {
    const field = this.#form.elements.namedItem(name);
    if (field === null) throw new Error(`the calculator has no field ${name}`);
    return field as HTMLInputElement & HTMLSelectElement;
  }
}

function dollars(micros: number): string {
  const value = micros / 1e6;
  return `$${value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 6 })}`;
}

function element(tag: string, text: string, name = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name !== "") made.className = name;
  return made;
}
