import * as z from "zod";
import type { Failure, FieldProblem } from "#domain/failure.ts";
import { type Micros, micros } from "#domain/micros.ts";
import type { WebhookTarget } from "#domain/notice.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { JsonBody } from "../../body/json-body.ts";
import { countJsonValues } from "../../body/json-size.ts";
import { detailOf } from "../../error-detail.ts";
import { problemsOf } from "../../field-problems.ts";
import {
  MAX_BATCH_ITEMS,
  MAX_FIELD_PROBLEMS,
  MAX_JSON_VALUES,
  MAX_NAME_LENGTH,
} from "../../limits.ts";
import { webhookOf } from "../webhook-body.ts";
import { type AnswerFields, answerFieldsSchema, answerRequestFields } from "./answer-request.ts";
import type { AskedCard } from "./options.ts";
import { type AnswerRequest, parseAnswerValue } from "./requests.ts";

/** Threat: one small request that makes us fetch thousands of pictures. One address per item is what batches are for. */
export const MAX_BATCH_ADDRESSES = 256;

/** What a caller asks for as one batch, checked and with every default filled in. */
export interface BatchRequest {
  /** In the caller's order. */
  readonly items: readonly BatchItem[];
  readonly webhook: WebhookTarget | null;
  /** Milliseconds after which no item waits any longer; null for as long as a batch may take. */
  readonly deadlineMs: number | null;
  /** What all items may cost together at most. */
  readonly maximum: Micros | null;
}

export interface BatchItem {
  /** The caller's own name for it. */
  readonly customId: string | null;
  readonly request: AnswerRequest;
}

/** Fields that mean something for one answer alone. */
const foreignFields: readonly string[] = ["stream", "alternatives", "store", "retention"];

const itemFields: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  Object.entries(answerRequestFields).filter(([name]) => !foreignFields.includes(name)),
);
const defaultsSchema = z.strictObject(itemFields).meta({ id: "BatchDefaults" });

const envelopeSchema = z.strictObject({
  // Read one by one, each with the defaults under it.
  items: z.array(z.record(z.string(), z.unknown())).min(1).max(MAX_BATCH_ITEMS),
  defaults: defaultsSchema.exactOptional(),
  webhook: z.unknown().exactOptional(),
  deadline_ms: z.unknown().exactOptional(),
  max_price_micros: z.unknown().exactOptional(),
});

/**
 * Reads a JSON body. One item that cannot be read refuses the whole batch, naming each fault by JSON Pointer: nothing is asked of a
 * body that its author got wrong. With `invalid_request`, or, where all faults are of one kind that fields have, with that.
 */
export function parseBatch(sent: JsonBody, card: AskedCard): Result<BatchRequest, Failure> {
  const body = sent.parse();
  if (!body.ok) return body;
  const parsed = envelopeSchema.safeParse(body.value);
  if (!parsed.success) return refuseFields(problemsOf(parsed.error));
  const { items, defaults = {}, ...rest } = parsed.data;
  const terms = answerFieldsSchema.safeParse(rest);
  if (!terms.success) return refuseFields(problemsOf(terms.error));
  const repeated = repeatedValues(defaults, items.length);
  if (repeated !== null) return refuseFields([repeated]);
  const problems: FieldProblem[] = [];
  const kinds = new Set<ItemRefusal["kind"]>();
  const read: BatchItem[] = [];
  for (const [index, item] of items.entries()) {
    const result = readItem(item, defaults, (fields) =>
      parseAnswerValue(fields, card, sent.picture),
    );
    if (result.ok) read.push(result.value);
    else {
      kinds.add(result.refusal.kind);
      problems.push(...result.refusal.problems.map((problem) => inItem(problem, index)));
    }
    if (problems.length >= MAX_FIELD_PROBLEMS) break;
  }
  const [kind = "invalid_request"] = kinds.size === 1 ? kinds : [];
  if (problems.length > 0 && kind !== "invalid_request")
    return refuse({ kind, problems: few(problems) });
  problems.push(...repeatedNames(read));
  if (countAddresses(read) > MAX_BATCH_ADDRESSES) {
    const message = `have more than ${MAX_BATCH_ADDRESSES} pictures by address`;
    problems.push({ pointer: "/items", message });
  }
  return problems.length > 0 ? refuseFields(problems) : ok({ items: read, ...termsOf(terms.data) });
}

function readItem(
  item: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
  parse: (fields: unknown) => Result<AnswerRequest, Failure>,
): Result<BatchItem, ItemRefusal> {
  const { custom_id: customId, ...fields } = { ...defaults, ...item };
  const name = nameSchema.optional().safeParse(customId);
  const problems: FieldProblem[] = foreignFields
    .filter((field) => field in fields)
    .map((field) => ({ pointer: `/${field}`, message: "is no field of a batch's item" }));
  if (!name.success)
    problems.push({ pointer: "/custom_id", message: name.error.issues[0]?.message ?? "" });
  const request = parse(fields);
  if (!request.ok) {
    const refused = itemRefusal(request.refusal);
    if (problems.length === 0) return refuse(refused);
    problems.push(...refused.problems);
  }
  if (!request.ok || problems.length > 0 || !name.success)
    return refuse({ kind: "invalid_request", problems });
  return ok({ customId: name.data ?? null, request: request.value });
}

/** Threat: a small body whose defaults have thousands of values, each of which is looked at again for every item: seconds of a Worker's time. */
function repeatedValues(defaults: object, items: number): FieldProblem | null {
  const text = new TextEncoder().encode(JSON.stringify(defaults));
  const values = countJsonValues(text, MAX_JSON_VALUES);
  if (values * items <= MAX_JSON_VALUES) return null;
  const message = `have ${values} values, and ${items} items have them again: ${MAX_JSON_VALUES} are the most together; send fewer items, or less in defaults`;
  return { pointer: "/defaults", message };
}

/** Why an item cannot be read. */
type ItemRefusal = Extract<Failure, { readonly problems: readonly FieldProblem[] }>;

/** What has no place of its own is told of the item. */
function itemRefusal(failure: Failure): ItemRefusal {
  if ("problems" in failure) return failure;
  const problems = [{ pointer: "", message: `cannot be asked: ${detailOf(failure)}` }];
  return { kind: "invalid_request", problems };
}

const nameSchema = z.string().min(1).max(MAX_NAME_LENGTH);

function inItem({ pointer, message }: FieldProblem, index: number): FieldProblem {
  return { pointer: `/items/${index}${pointer}`, message };
}

/** Two items of one name could not be told apart by whoever reads the results. */
function repeatedNames(items: readonly BatchItem[]): FieldProblem[] {
  const seen = new Set<string>();
  return items.flatMap(({ customId }, index) => {
    if (customId === null) return [];
    const isRepeated = seen.has(customId);
    seen.add(customId);
    return isRepeated
      ? [{ pointer: `/items/${index}/custom_id`, message: "is the name of an earlier item" }]
      : [];
  });
}

function countAddresses(items: readonly BatchItem[]): number {
  return items.flatMap(({ request }) => request.pictures.filter(({ kind }) => kind === "url"))
    .length;
}

function termsOf(fields: AnswerFields): Omit<BatchRequest, "items"> {
  const { webhook, deadline_ms: deadlineMs, max_price_micros: maximum } = fields;
  return {
    webhook: webhook === undefined ? null : webhookOf(webhook),
    deadlineMs: deadlineMs ?? null,
    maximum: maximum === undefined ? null : micros(maximum),
  };
}

function refuseFields(problems: readonly FieldProblem[]): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: few(problems) });
}

function few(problems: readonly FieldProblem[]): readonly FieldProblem[] {
  return problems.slice(0, MAX_FIELD_PROBLEMS);
}

/** Schema of the JSON body, for the API's description. */
export const batchRequestSchema: z.ZodType = z
  .strictObject({
    items: z
      .array(
        z
          .strictObject({
            custom_id: nameSchema
              .exactOptional()
              .meta({ description: "Your own name for it, once in a batch." }),
            ...itemFields,
          })
          .meta({ id: "BatchItem" }),
      )
      .min(1)
      .max(MAX_BATCH_ITEMS)
      .meta({ description: "Answer requests, without stream, alternatives, store and retention." }),
    defaults: defaultsSchema
      .exactOptional()
      .meta({ description: "Fields for every item that does not give its own." }),
    webhook: answerRequestFields.webhook.meta({
      description: "As of an answer: is told batch.completed.",
    }),
    deadline_ms: answerRequestFields.deadline_ms.meta({
      description:
        "After so many milliseconds items in the making are told as they stand and waiting ones are cancelled.",
    }),
    max_price_micros: answerRequestFields.max_price_micros.meta({
      description: "Refuses a batch whose items may cost more together.",
    }),
  })
  .meta({ id: "BatchRequest" });
