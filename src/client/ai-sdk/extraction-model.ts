import type {
  ClosedFieldBody,
  FieldBody,
  ListFieldBody,
  OpenFieldBody,
} from "#wire/api/answers/fields/field-body.ts";
import type {
  AskedFieldBody,
  AskedNumberBody,
  AskedSingleBody,
} from "#wire/api/answers/fields/fields-body.ts";
import { aboutOf, wordsOf } from "./about.ts";
import { askFields, optionsIn, outcomeOf, unusedOptions } from "./ask-fields.ts";
import type {
  ExtractionAnswer,
  ExtractionCall,
  ExtractionField,
  ExtractionModel,
  ExtractionOutcome,
  FieldExtras,
  ProviderSettings,
  Warning,
} from "./sdk.ts";

/**
 * Extracts with the fields of an answer. A value that the picture does not show, or of which the model is not sure enough, is null, with `pNull`
 * and the guess. Only what a deadline cut off is refused, since there is nothing to tell of it.
 */
export function extractionModel(
  settings: ProviderSettings,
  model: string | undefined,
): ExtractionModel {
  return {
    specificationVersion: "v4",
    provider: "unmask.extraction",
    modelId: model ?? "default",
    supportedFieldTypes: ["text", "number", "date", "time", "datetime", "duration", "list"],
    doExtract: async (call) => await extract(settings, model, call),
  };
}

async function extract(
  settings: ProviderSettings,
  model: string | undefined,
  call: ExtractionCall,
): Promise<ExtractionOutcome> {
  const wanted = Object.entries(call.fields);
  const extras = optionsIn(call).fields ?? {};
  const fields = wanted.map(([id, field]) => [id, fieldOf(field, extras[id] ?? {})] as const);
  const about = aboutOf(call, dateLine(call));
  const told = await askFields({ settings, model, call, about, fields });
  return {
    ...outcomeOf(told, [...unusedOptions(call), ...rangeWarnings(wanted, extras)]),
    answers: Object.fromEntries(
      wanted.map(([id, field], index) => [id, answerOf(field, told.fields[index]![1])]),
    ),
  };
}

/** Numbers are written within a range, each digit at a place of its own; the AI SDK names none. */
const WIDEST = 999_999;

/** Of what the AI SDK leaves open; 2 are those of money. */
const USUAL_DECIMALS = 2;

/** Items of a list are read beside each other, each with room of its own. */
const USUAL_ITEMS = 4;

function dateLine({ referenceDate }: ExtractionCall): string[] {
  return referenceDate === undefined
    ? []
    : [`Dates without a year, and days such as tomorrow, count from ${referenceDate}.`];
}

/** What a caller says beside the field may not fit its type: that is for the service to refuse, by name. */
function fieldOf(field: ExtractionField, extras: FieldExtras): AskedFieldBody {
  const text = wordsOf(field.instructions);
  const asked = text === undefined ? {} : { instructions: text };
  const { max_items = USUAL_ITEMS, ...others } = extras;
  switch (field.type) {
    case "text":
    case "date":
    case "time":
    case "datetime":
      return { type: field.type, ...asked, ...extras } as AskedFieldBody;
    case "number":
    case "duration":
      return numberOf(field, text, extras);
    case "list": {
      const { items: type, integer, decimals } = field;
      const items =
        type === "number" ? numberItem({ integer, decimals }, others) : { type, ...others };
      return { type: "list", ...asked, items: items as AskedSingleBody, max_items };
    }
    default:
      return field satisfies never;
  }
}

function numberOf(
  field: Extract<ExtractionField, { readonly type: "number" | "duration" }>,
  text: string | undefined,
  extras: FieldExtras,
): AskedFieldBody {
  const unit = field.type === "duration" ? (field.unit ?? "seconds") : field.unit;
  const said = [text, unit === undefined ? undefined : `(in ${unit})`].filter(
    (one) => one !== undefined,
  );
  const asked = said.length === 0 ? {} : { instructions: said.join(" ") };
  const least = field.type === "duration" ? { minimum: 0 } : {};
  return { ...numberItem(field, { ...least, ...extras }), ...asked };
}

function numberItem(
  { integer = false, decimals }: { integer?: boolean | undefined; decimals?: number | undefined },
  extras: FieldExtras,
): AskedNumberBody {
  return {
    type: "number",
    minimum: -WIDEST,
    maximum: WIDEST,
    decimals: integer ? 0 : (decimals ?? USUAL_DECIMALS),
    ...extras,
  };
}

/** A number beyond its range cannot be told, and nobody would know. */
function rangeWarnings(
  wanted: readonly (readonly [string, ExtractionField])[],
  extras: Readonly<Record<string, FieldExtras>>,
): Warning[] {
  const open = wanted.filter(([id, field]) => {
    const type = field.type === "list" ? field.items : field.type;
    return (type === "number" || type === "duration") && extras[id]?.maximum === undefined;
  });
  return open.map(([id]) => ({
    type: "compatibility",
    feature: `number without a range: ${id}`,
    details: `read up to ${WIDEST}: providerOptions.unmask.fields.${id} takes minimum and maximum`,
  }));
}

function answerOf(field: ExtractionField, told: FieldBody): ExtractionAnswer {
  if ("unfinished" in told) return { type: "refusal" };
  if ("items" in told) return listAnswer(told);
  return { type: field.type, ...singleAnswer(told) } as ExtractionAnswer;
}

interface Single {
  readonly value: string | number | null;
  readonly guess?: string | number;
  readonly pNull?: number;
  readonly confidence?: number;
}

/** An empty text is no value. `confidence` is of the value, so there is none of null; `pNull` is that. */
function singleAnswer(told: ClosedFieldBody | OpenFieldBody): Single {
  const value = told.value === "" || typeof told.value === "boolean" ? null : told.value;
  const closed = "guess" in told ? told.guess : value;
  const guess = closed === null || typeof closed === "boolean" ? {} : { guess: closed };
  return {
    value,
    ...guess,
    ...(told.p_none === null ? {} : { pNull: told.p_none }),
    ...(value === null || told.probability === null ? {} : { confidence: told.probability }),
  };
}

/** The likelihood of the whole list is that of its length and of each of its items. */
function listAnswer({ items, counts }: ListFieldBody): ExtractionAnswer {
  const told = items.map(singleAnswer).filter(({ value }) => value !== null);
  const [pNull = 0] = counts;
  if (told.length === 0) return { type: "list", value: null, pNull };
  const confidences = told.map(({ confidence = 0 }) => confidence);
  const ofLength = counts[items.length] ?? 0;
  return {
    type: "list",
    value: told.map(({ value }) => value) as string[] | number[],
    pNull,
    confidence: confidences.reduce((product, one) => product * one, ofLength),
    items: confidences.map((confidence) => ({ confidence })),
  };
}
