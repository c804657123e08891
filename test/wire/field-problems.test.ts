import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import * as accounts from "#wire/api/accounts/accounts.ts";
import * as clientTokens from "#wire/api/accounts/client-token.ts";
import * as keys from "#wire/api/accounts/keys.ts";
import * as limits from "#wire/api/accounts/limits-body.ts";
import * as usage from "#wire/api/accounts/usage.ts";
import * as answerList from "#wire/api/answers/answer-list.ts";
import * as answers from "#wire/api/answers/answer-request.ts";
import * as batchRequests from "#wire/api/answers/batch-request.ts";
import * as batches from "#wire/api/answers/batches.ts";
import * as quotes from "#wire/api/answers/quotes.ts";
import { parseAnswerJson } from "#wire/api/answers/requests.ts";
import { checkFields } from "#wire/api/page.ts";
import * as deliveries from "#wire/api/webhooks/deliveries.ts";
import * as endpoints from "#wire/api/webhooks/endpoints.ts";
import { parseJson } from "#wire/body/parse-json.ts";
import * as chat from "#wire/compatible/chat-body.ts";
import { parseChat } from "#wire/compatible/chat-request.ts";
import * as moondream from "#wire/compatible/moondream.ts";
import { problemsOf } from "#wire/field-problems.ts";
import { jsonBody } from "../support/bodies.ts";
import { untold } from "../support/edge-builders.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What stands in a message that nobody here wrote. */
const foreignWords = /invalid|expected|received|too (?:big|small)|unrecogni|input|undefined|zod/i;

function messagesOf(schema: z.ZodType, value: unknown): string[] {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : problemsOf(parsed.error).map(({ message }) => message);
}

describe("a field's fault is said in our words", () => {
  test.each<[z.core.$ZodIssueCode, z.ZodType, unknown, string]>([
    ["invalid_type", z.string(), 1, "must be text"],
    ["invalid_type", z.int(), 1.5, "must be a whole number"],
    ["invalid_type", z.number(), "1", "must be a number"],
    ["invalid_type", z.boolean(), "true", "must be true or false"],
    ["invalid_type", z.array(z.string()), {}, "must be a list"],
    ["invalid_type", z.record(z.string(), z.string()), [], "must be an object"],
    ["invalid_type", z.null(), 0, "must be null"],
    ["invalid_type", z.object({ a: z.string() }), {}, "is missing"],
    ["invalid_value", z.literal("a"), "b", 'must be "a"'],
    ["invalid_value", z.enum(["a", "b", "c"]), 1, 'must be "a", "b" or "c"'],
    ["too_big", z.string().max(1), "ab", "must have at most 1 character"],
    ["too_big", z.array(z.int()).max(2), [1, 2, 3], "must have at most 2 items"],
    ["too_big", z.int().max(7), 8, "must be at most 7"],
    ["too_big", z.number().lt(7), 7, "must be below 7"],
    ["too_small", z.string().min(1), "", "must not be empty"],
    ["too_small", z.array(z.int()).min(1), [], "must have at least 1 item"],
    ["too_small", z.number().gt(0), 0, "must be above 0"],
    ["too_small", z.int().min(0), -1, "must be at least 0"],
    ["invalid_format", z.iso.date(), "soon", "must be a day, such as 2026-01-02"],
    [
      "invalid_format",
      z.iso.datetime(),
      "2026-01-02",
      "must be a time in UTC, such as 2026-01-02T03:04:05Z",
    ],
    ["invalid_format", z.string().regex(/^a$/), "b", "must be text of another form"],
    ["not_multiple_of", z.int().multipleOf(4), 6, "must be a multiple of 4"],
    ["unrecognized_keys", z.strictObject({}), { a: 1 }, "unknown field"],
    [
      "invalid_union",
      z.union([z.string(), z.int()]),
      true,
      "has none of the forms that are possible here",
    ],
    [
      "invalid_union",
      z.discriminatedUnion("type", [
        z.object({ type: z.literal("a") }),
        z.object({ type: z.literal("b") }),
      ]),
      { type: "c" },
      'must say type: "a" or "b"',
    ],
    [
      "invalid_key",
      z.record(z.string().max(1), z.int()),
      { ab: 1 },
      "has a name in it that is not allowed",
    ],
    ["invalid_element", z.map(z.string(), z.int()), new Map([["a", "b"]]), "must be a number"],
    ["custom", z.string().refine(() => false), "a", "is not possible here"],
  ])("%s", (_, schema, value, message) => {
    expect(messagesOf(schema, value)).toEqual([message]);
  });

  test("unless the schema knows a better sentence", () => {
    expect(messagesOf(z.string().regex(/\S/, "must not be blank"), " ")).toEqual([
      "must not be blank",
    ]);
  });

  test.each([
    ["", "is not JSON (RFC 8259): it is empty or ends too early"],
    ['{"a":1,}', "is not JSON (RFC 8259): see character 8"],
    ["hello", "is not JSON (RFC 8259)"],
  ])("a body %j that is not JSON: the engine's words quote what was sent", (text, message) => {
    expect(parseJson(utf8(text))).toMatchObject({ refusal: { problems: [{ message }] } });
  });
});

const modules = { accounts, answerList, answers, batches, batchRequests, chat, clientTokens, keys };
const more = { deliveries, endpoints, limits, moondream, quotes, usage };
const schemas: [string, z.ZodType][] = Object.entries({ ...modules, ...more }).flatMap(
  ([module, exported]) =>
    Object.entries(exported)
      .filter((entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType)
      .map(([name, schema]): [string, z.ZodType] => [`${module}.${name}`, schema]),
);

/** A body with the field names that schemas know, and values that mostly do not fit them. */
function bodyFor(schema: z.ZodType): fc.Arbitrary<unknown> {
  const names = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const texts = fc.constantFrom("", "x", " ", "2026-13-40", "http://", "é".repeat(300));
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(null, true, -1, 0.5, 1e300, 70_000),
      texts,
      fc.array(tie("any"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("role", "content", "type", "url", "limits", "x"), tie("any"), {
        maxKeys: 3,
      }),
    ),
  })).any;
  const known = names.length === 0 ? fc.constant("x") : fc.constantFrom(...names);
  return fc.oneof(value, fc.dictionary(known, value, { maxKeys: 6 }));
}

describe("no body can make a schema speak the validator's words", () => {
  test("the schemas are found", () => expect(schemas.length).toBeGreaterThan(40));

  test.each(schemas)("%s", (_, schema) => {
    fc.assert(
      fc.property(bodyFor(schema), (body) => {
        const checked = checkFields(body, schema);
        if (checked.ok || checked.refusal.kind !== "invalid_request") return;
        for (const { message } of checked.refusal.problems)
          expect(message).not.toMatch(foreignWords);
      }),
      { seed: 9, numRuns: 60 },
    );
  });

  test.each([
    ["an answer request", parseAnswerJson, answers.answerRequestSchema],
    ["a batch", batchRequests.parseBatch, batchRequests.batchRequestSchema],
    ["a chat", parseChat, chat.chatSchema],
  ] as const)("through the parser of %s", (_, parse, schema) => {
    fc.assert(
      fc.property(bodyFor(schema), (body) => {
        const parsed = parse(jsonBody(utf8(JSON.stringify(body) ?? "")), untold);
        if (parsed.ok || parsed.refusal.kind !== "invalid_request") return;
        for (const { message } of parsed.refusal.problems)
          expect(message).not.toMatch(foreignWords);
      }),
      { seed: 9, numRuns: 200 },
    );
  });
});
