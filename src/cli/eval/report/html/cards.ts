import type { Thumbnail } from "#inference/thumbnail.ts";
import type { Result } from "../../results.ts";
import { percent } from "../draw.ts";
import type { Disagreement, Pattern } from "./disagreements.ts";
import { swatch } from "./marks.ts";
import { html, Markup } from "./markup.ts";

/** A question to show, with its pictures made small; undefined where one cannot be shown. */
export interface Card extends Disagreement {
  readonly thumbnails: readonly (Thumbnail | undefined)[];
}

/** Texts longer than this are cut: a card is looked at, and the results file has all of it. */
const MAX_TEXT = 1_000;

/** The cards, and what chooses among them by who is right. It needs no script: what is chosen is a radio button. */
export function cardSection(
  cards: readonly Card[],
  patterns: readonly Pattern[],
  columns: readonly string[],
): Markup {
  const total = patterns.reduce((sum, { questions }) => sum + questions, 0);
  const isAlone = columns.length === 1;
  const title = isAlone ? "Where it is not right" : "Where they disagree";
  if (total === 0) return html`<section><h2>${title}</h2><p class="quiet">Nowhere.</p></section>`;
  const shown =
    cards.length < total ? ` ${cards.length} of them are shown, some of each kind.` : "";
  const words = isAlone
    ? `${total} questions.${shown}`
    : `${total} questions on which the columns do not score alike.${shown}`;
  const kinds = patterns.filter(({ pattern }) => cards.some((card) => card.pattern === pattern));
  // The rule for each choice hides the cards of all others.
  const rules = kinds.map(
    ({ pattern }) => `.cards:has(#p${pattern}:checked) .card:not(.p${pattern}) { display: none; }`,
  );
  return html`<section class="cards"><h2>${title}</h2><p>${words}</p><style>${new Markup(rules.join("\n"))}</style>${
    kinds.length > 1 ? choices(kinds, columns, total) : html``
  }<div class="grid">${cards.map((card) => cardOf(card, columns))}</div></section>`;
}

function choices(kinds: readonly Pattern[], columns: readonly string[], total: number): Markup {
  const items = kinds.map(
    ({ pattern, questions }) =>
      html`<label><input type="radio" name="who" id="p${pattern}" />${[...pattern].map(
        (right, place) => (right === "1" ? swatch(place) : html``),
      )}${whoIsRight(pattern, columns)} <span class="quiet">${questions}</span></label>`,
  );
  return html`<fieldset><legend>Right are</legend><label><input type="radio" name="who" checked />all of these <span class="quiet">${total}</span></label>${items}</fieldset>`;
}

function whoIsRight(pattern: string, columns: readonly string[]): string {
  const right = columns.filter((_, place) => pattern[place] === "1");
  if (right.length === 0) return "none wholly";
  return right.length === 1 ? `${right[0]} alone` : right.join(", ");
}

function cardOf(
  { question, results, pattern, thumbnails }: Card,
  columns: readonly string[],
): Markup {
  const { id, family, messages, expected } = question;
  const asked = messages.map(
    ({ role, content }) =>
      html`<p class="asked ${role}">${messages.length > 1 ? html`<span class="quiet">${role}</span> ` : html``}<bdi>${cut(content)}</bdi></p>`,
  );
  return html`<article class="card p${pattern}"><div class="pictures">${thumbnails.map(pictureOf)}</div><div class="said">${asked}<p class="expected"><span class="quiet">right:</span> <bdi>${cut(expected.join(" · "))}</bdi></p><ul>${columns.map(
    (name, place) => answerOf(name, place, results[place]),
  )}</ul><p class="quiet small"><bdi>${id}</bdi>, <bdi>${family}</bdi></p></div></article>`;
}

function answerOf(name: string, place: number, result: Result | undefined): Markup {
  const score = result?.score ?? null;
  const verdict =
    score === null
      ? "no answer"
      : score === 1
        ? "right"
        : score === 0
          ? "wrong"
          : `${percent(score, 0)} %`;
  const kind = score === 1 ? "right" : score === 0 ? "wrong" : "partly";
  const said =
    result?.answer === null || result === undefined
      ? html`<em>${result?.error ?? "not asked"}</em>`
      : result.answer.trim() === ""
        ? html`<em>nothing</em>`
        : html`<bdi>${cut(result.answer)}</bdi>`;
  const form =
    result?.form === null || result === undefined || result.form === "plain"
      ? ""
      : `, ${result.form}`;
  return html`<li>${swatch(place)}<div><span class="who"><bdi>${name}</bdi></span> <span class="verdict ${kind}">${verdict}${form}</span><p>${said}</p></div></li>`;
}

function pictureOf(picture: Thumbnail | undefined, index: number): Markup {
  if (picture === undefined)
    return html`<p class="quiet small">picture ${index + 1} cannot be shown</p>`;
  const data = Buffer.from(picture.bytes).toString("base64");
  return html`<img alt="Picture ${index + 1} of the question" width="${picture.width}" height="${picture.height}" src="data:image/webp;base64,${data}" />`;
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
