import { answerModes } from "#domain/modes.ts";
import { truncateRules } from "#domain/question.ts";
import { linkedFields, MAX_LINKED_FIELDS, rowsOf } from "../fields/fields-body.ts";
import type { FieldRow } from "../fields/rows.ts";
import { type Draft, defaultOptions, type Options, type ReadingOptions } from "./draft.ts";

/** What a link can bring: the question and how it is asked. */
export interface Linked {
  readonly question: string;
  readonly model: string | null;
  readonly options: Options;
  /** Addresses of pictures; pictures of a person's own stay with them. */
  readonly urls: readonly string[];
  /** Names of the page's samples. */
  readonly samples: readonly string[];
  /** Values that are to be read; null: words are wanted. */
  readonly rows: readonly FieldRow[] | null;
  readonly reading: ReadingOptions;
}

const numbers = ["canvas", "steps", "blockLength", "temperature", "seed", "deadlineMs"] as const;

/** The address that opens the page with this question. It stands in the fragment, so that no server sees it. */
export function permalink(draft: Draft, baseUrl: string): string {
  const { question, model, options, pictures, reading } = draft;
  const link = new URLSearchParams();
  link.set("q", question.trim());
  if (model !== null) link.set("model", model);
  for (const name of numbers) {
    const value = options[name];
    if (value !== null) link.set(name, String(value));
  }
  if (options.mode !== null) link.set("mode", options.mode);
  if (options.stop !== "") link.set("stop", options.stop);
  for (const { source, sample } of pictures) {
    if (sample !== null) link.append("sample", sample);
    else if (!(source instanceof Blob)) link.append("url", source.url);
  }
  if (draft.wants === "values") {
    link.set("fields", linkedFields(draft.rows));
    for (const [name, value] of Object.entries(reading))
      if (value !== null) link.set(name, String(value));
  }
  return `${baseUrl}/#${link}`;
}

/** Why a draft has no link, in words; null where it has one. */
export function linkProblem({ wants, rows }: Draft): string | null {
  return wants === "values" && linkedFields(rows).length > MAX_LINKED_FIELDS
    ? "These values are too many for a link; the request holds them."
    : null;
}

/** Reads what a link brings; null where the fragment is none. What cannot be read is left as the model has it. */
export function linkedOf(fragment: string): Linked | null {
  const link = new URLSearchParams(fragment.replace(/^#/, ""));
  const question = link.get("q");
  if (question === null) return null;
  const read = numbers.map((name) => [name, numberOf(link.get(name))] as const);
  const mode = answerModes.find((one) => one === link.get("mode")) ?? null;
  return {
    question,
    model: link.get("model"),
    options: { ...defaultOptions, ...Object.fromEntries(read), mode, stop: link.get("stop") ?? "" },
    urls: link.getAll("url"),
    samples: link.getAll("sample").filter((name) => /^[a-z-]+\.(?:png|jpg)$/.test(name)),
    rows: rowsOf(link.get("fields") ?? ""),
    reading: {
      abstainBelow: numberOf(link.get("abstainBelow")),
      passes: numberOf(link.get("passes")),
      onTruncate: truncateRules.find((rule) => rule === link.get("onTruncate")) ?? null,
    },
  };
}

function numberOf(text: string | null): number | null {
  if (text === null || text.trim() === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}
