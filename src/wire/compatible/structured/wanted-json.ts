import * as z from "zod";
import type { FieldProblem } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { problemsOf } from "../../field-problems.ts";
import { emptyList } from "../refused-fields.ts";

/** What a chat wants as JSON, and how it is to be told. */
export interface WantedJson {
  /** A JSON Schema, unread. */
  readonly schema: unknown;
  /** JSON Pointer of the schema in the chat. */
  readonly at: string;
  /** What is said of it beside the schema; "" for nothing. */
  readonly description: string;
  /** The function that is called with it. Absent: it is the message's text. */
  readonly call?: WantedCall;
}

export interface WantedCall {
  readonly name: string;
  /** Whether the chat names the function, rather than requiring some call: OpenAI ends such an answer with `stop`. */
  readonly isNamed: boolean;
}

const name = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, "has 1 to 64 letters, digits, _ and -");

/** Its keywords are read one by one (`json-schema/`). */
const schema = z
  .record(z.string(), z.unknown())
  .meta({ description: "A JSON Schema: an object of values that are read off the picture." });

const described = z.string().nullable().exactOptional();

/** Accepted for what it asks: every answer keeps to its schema. */
const strict = z.boolean().nullable().exactOptional();

const jsonSchema = z.object({ name, description: described, schema, strict });

/** Schema of `response_format`. */
export const responseFormatSchema: z.ZodType<
  { readonly type: "text" } | { readonly type: "json_schema"; readonly json_schema: JsonSchemaBody }
> = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal("text") }),
    z.object({ type: z.literal("json_schema"), json_schema: jsonSchema }),
  ],
  { error: "is of type text or json_schema" },
);

interface JsonSchemaBody {
  readonly name: string;
  readonly description?: string | null;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly strict?: boolean | null;
}

interface ToolBody {
  readonly type: "function";
  readonly function: {
    readonly name: string;
    readonly description?: string | null;
    readonly parameters: Readonly<Record<string, unknown>>;
    readonly strict?: boolean | null;
  };
}

interface NamedChoiceBody {
  readonly type: "function";
  readonly function: { readonly name: string };
}

const tool = z.object({
  type: z.literal("function"),
  function: z.object({ name, description: described, parameters: schema, strict }),
});

/** Schema of `tools`: none, or one function whose parameters are read. */
export const toolsSchema: z.ZodType<readonly ToolBody[]> = z
  .array(tool)
  .max(
    1,
    "has more than one: one function can be forced, and its parameters are read off the picture",
  );

const namedChoice = z.object({
  type: z.literal("function"),
  function: z.object({ name: z.string() }),
});

/** Schema of `tool_choice`. */
export const toolChoiceSchema: z.ZodType<"none" | "auto" | "required" | NamedChoiceBody> = z.union(
  [z.enum(["none", "auto", "required"]), namedChoice],
  {
    error:
      'must be "required", or name the one function: {"type": "function", "function": {"name": "…"}}',
  },
);

const noSchema =
  'send a schema: {"type": "json_schema", "json_schema": {"name": "…", "schema": {…}}}; without one nothing says what is to be read';

const noChoice =
  'the model calls no tools of its own accord; where one function is all there is, force it with tool_choice "required": its parameters are read off the picture';

/** Finds what a chat wants as JSON: a schema as `response_format`, or the one function that it forces; undefined where it wants words. */
export function wantedJson(
  fields: Readonly<Record<string, unknown>>,
): Result<WantedJson | undefined, readonly FieldProblem[]> {
  const { response_format: format, tools, tool_choice: choice } = fields;
  const call = wantedCall(tools, choice);
  if (!call.ok) return call;
  if (format === undefined) return call;
  if (isJsonObject(format)) return refuse([{ pointer: "/response_format", message: noSchema }]);
  const parsed = responseFormatSchema.safeParse(format);
  if (!parsed.success) return refuse(placed("/response_format", parsed.error));
  if (parsed.data.type === "text") return call;
  if (call.value !== undefined) {
    const message =
      "is not taken beside a function that is forced: either of them says what is read";
    return refuse([{ pointer: "/response_format", message }]);
  }
  const { description } = parsed.data.json_schema;
  // The value as it was sent, not as the library copied it: a member `__proto__` is none of the copy.
  const sent = parsedSchema(format, "json_schema", "schema");
  return ok({
    schema: sent,
    at: "/response_format/json_schema/schema",
    description: saidBy(description),
  });
}

function wantedCall(
  tools: unknown,
  choice: unknown,
): Result<WantedJson | undefined, readonly FieldProblem[]> {
  if (choice !== undefined) {
    const parsed = toolChoiceSchema.safeParse(choice);
    if (!parsed.success) return refuse(placed("/tool_choice", parsed.error));
  }
  if (tools === undefined || emptyList.safeParse(tools).success)
    return choice === undefined || choice === "none" || choice === "auto"
      ? ok(undefined)
      : refuse([{ pointer: "/tool_choice", message: "forces a function, and tools has none" }]);
  if (choice === undefined || choice === "none" || choice === "auto")
    return refuse([{ pointer: "/tools", message: noChoice }]);
  const parsed = toolsSchema.safeParse(tools);
  if (!parsed.success) return refuse(placed("/tools", parsed.error));
  const [only] = parsed.data;
  if (only === undefined) throw new Error("a list of tools is empty that was not");
  const named = namedChoice.safeParse(choice);
  if (named.success && named.data.function.name !== only.function.name) {
    const message = "names no function of tools";
    return refuse([{ pointer: "/tool_choice/function/name", message }]);
  }
  const sent = Array.isArray(tools) ? parsedSchema(tools[0], "function", "parameters") : undefined;
  return ok({
    schema: sent,
    at: "/tools/0/function/parameters",
    description: saidBy(only.function.description),
    call: { name: only.function.name, isNamed: named.success },
  });
}

/** What libraries say where their caller says nothing. Source: instructor 1.17, pydantic-ai 2.68. */
const SAID_BY_LIBRARIES: readonly RegExp[] = [
  /^Correctly extracted `\w+` with all the required parameters with correct types$/,
  /^Correctly Formatted and Extracted Response\.$/,
  /^Correct segmentation of `\w+` tasks$/,
  /^The final response which ends this conversation$/,
];

function saidBy(description: string | null | undefined): string {
  const text = description?.trim() ?? "";
  return SAID_BY_LIBRARIES.some((pattern) => pattern.test(text)) ? "" : text;
}

function parsedSchema(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce(
    (inner, member) => (inner as Readonly<Record<string, unknown>>)[member],
    value,
  );
}

function placed(pointer: string, error: z.ZodError): FieldProblem[] {
  return problemsOf(error).map((problem) => ({ ...problem, pointer: pointer + problem.pointer }));
}

function isJsonObject(input: unknown): boolean {
  return (
    typeof input === "object" && input !== null && "type" in input && input.type === "json_object"
  );
}
