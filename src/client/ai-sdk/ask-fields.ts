import { APICallError } from "ai";
import { inPointer } from "#domain/json-pointer.ts";
import type { FieldBody } from "#wire/api/answers/fields/field-body.ts";
import type { AskedFieldBody } from "#wire/api/answers/fields/fields-body.ts";
import type { Problem } from "#wire/error.ts";
import type { Answer } from "../answer-stream.ts";
import type { Ask } from "../ask.ts";
import { createClient } from "../client.ts";
import { RefusedError, ReplyError, UnmaskError } from "../errors.ts";
import { fieldNames } from "./field-names.ts";
import type { Call, DecisionOutcome, ProviderSettings, UnmaskOptions, Warning } from "./sdk.ts";

/** One request for fields, by the caller's ids. */
export interface FieldsAsked {
  readonly settings: ProviderSettings;
  /** Undefined: the usual one. */
  readonly model: string | undefined;
  readonly call: Call;
  readonly about: Pick<Ask, "question" | "images">;
  readonly fields: readonly (readonly [id: string, field: AskedFieldBody])[];
}

/** What came of it. */
export interface FieldsTold {
  readonly answer: Answer;
  /** In the order of the request, by the caller's ids. */
  readonly fields: readonly (readonly [id: string, field: FieldBody])[];
}

/** The options that a call has for this provider. Other members than an answer request's are for the service to refuse. */
export function optionsIn({ providerOptions }: Call): UnmaskOptions {
  return (providerOptions?.["unmask"] ?? {}) as UnmaskOptions;
}

/** Asks for fields. Throws APICallError, or the reason of an abort. */
export async function askFields(asked: FieldsAsked): Promise<FieldsTold> {
  const { settings, model, call, about } = asked;
  const ids = asked.fields.map(([id]) => id);
  const names = fieldNames(ids);
  const fields = Object.fromEntries(
    asked.fields.map(([, field], index) => [names[index]!, field] as const),
  );
  const { fields: _, ...options } = optionsIn(call);
  const question = { ...options, ...(model === undefined ? {} : { model }), ...about, fields };
  const { abortSignal: signal } = call;
  try {
    const client = createClient(withHeaders(settings, call.headers));
    const answer = await client.ask(question, signal === undefined ? {} : { signal });
    const told = names.map((name, index) => [ids[index]!, answer.fields?.[name]] as const);
    return { answer, fields: told.map(([id, field]) => [id, toldField(id, field)] as const) };
  } catch (cause) {
    if (!(cause instanceof UnmaskError)) throw cause;
    const sent = { ...question, images: question.images?.length ?? 0 };
    const problem = cause instanceof RefusedError ? inIds(cause.problem, names, ids) : undefined;
    throw callError(cause, problem, settings, sent);
  }
}

/** Says of the call's options which the service has no use for. */
export function unusedOptions({ maxOutputTokens, reasoning }: Call): Warning[] {
  const unused = Object.entries({ maxOutputTokens, reasoning }).filter(
    ([, value]) => value !== undefined && value !== "none" && value !== "provider-default",
  );
  return unused.map(([feature]) => ({ type: "unsupported", feature }));
}

/** What the AI SDK is told of every outcome: what was counted, and under `unmask` all that it has no place for. */
export function outcomeOf(
  { answer, fields }: FieldsTold,
  warnings: readonly Warning[],
): Omit<DecisionOutcome, "answers"> {
  const { id, status, in_domain, domain_score, abstained, abstention } = answer;
  const { digest, cached, charged_micros } = answer;
  return {
    usage: { inputTokens: answer.usage.prompt_length, outputTokens: answer.tokens.length },
    warnings: [
      ...warnings,
      ...answer.warnings.map(({ message }) => ({ type: "other" as const, message })),
    ],
    providerMetadata: {
      unmask: {
        ...{ id, status, digest, cached, charged_micros },
        ...{ in_domain, domain_score, abstained, abstention },
        fields: Object.fromEntries(fields),
      } as unknown as NonNullable<DecisionOutcome["providerMetadata"]>[string],
    },
    response: {
      ...{ id, modelId: answer.model, timestamp: new Date(answer.created_at), body: answer },
    },
  };
}

function toldField(id: string, field: FieldBody | undefined): FieldBody {
  if (field !== undefined) return field;
  throw new ReplyError(
    `the service told nothing of ${id}: it is older than this client, or the answer was cancelled`,
  );
}

function withHeaders(settings: ProviderSettings, headers: Call["headers"] = {}): ProviderSettings {
  const { fetch: request = fetch } = settings;
  const own = Object.entries(headers).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return {
    ...settings,
    fetch: (input, init) => {
      const all = new Headers(init?.headers);
      for (const [name, value] of own) if (!all.has(name)) all.set(name, value);
      return request(input, { ...init, headers: all });
    },
  };
}

/** A refusal in the caller's ids, where the service was asked under other names. */
function inIds(problem: Problem, names: readonly string[], ids: readonly string[]): Problem {
  const idOf = new Map(names.map((name, index) => [name, ids[index]!]));
  const errors = problem.errors.map(({ pointer, message }) => {
    const [root, member, name = "", ...rest] = pointer.split("/");
    const id = member === "fields" ? idOf.get(name) : undefined;
    if (id === undefined) return { pointer, message };
    return { pointer: [root, member, inPointer(id), ...rest].join("/"), message };
  });
  const [before, after] = [problem.errors[0]?.pointer, errors[0]?.pointer];
  const { detail } = problem;
  // The sentence begins with the place of the first fault.
  return before === undefined || after === undefined || !detail.startsWith(before)
    ? { ...problem, errors }
    : { ...problem, errors, detail: `${after}${detail.slice(before.length)}` };
}

function callError(
  cause: UnmaskError,
  problem: Problem | undefined,
  { baseUrl }: ProviderSettings,
  requestBodyValues: unknown,
): APICallError {
  return new APICallError({
    message: problem?.detail ?? cause.message,
    url: `${baseUrl}/v1/answers`,
    requestBodyValues,
    cause,
    // It was tried again already where that helps, always as the same request, so that it is charged once.
    isRetryable: false,
    ...(problem === undefined
      ? {}
      : { statusCode: problem.status, responseBody: JSON.stringify(problem), data: problem }),
  });
}
