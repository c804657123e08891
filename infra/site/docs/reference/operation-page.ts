import type { DocsPage } from "../page.ts";
import {
  type Content,
  type Description,
  type Header,
  type Operation,
  type Parameter,
  type Reply,
  type Route,
  resolved,
  type Schema,
} from "./description.ts";
import { type OperationExample, type RecordedReply, recordedText } from "./examples.ts";
import { fieldsTable, typeName } from "./fields.ts";

/** Where an operation is explained. */
export function operationPath(operationId: string): string {
  return `/docs/reference/${operationId}`;
}

/** Writes the page of one operation: what it does, an example that runs, what it takes, what it replies. */
export function operationPage(
  { method, path, operation }: Route,
  description: Description,
  example: { readonly printed: OperationExample; readonly recorded: RecordedReply },
): DocsPage {
  const { operationId, summary, description: words } = operation;
  const parts = [
    `# ${summary}`,
    `\`${method} ${path}\``,
    words ?? "",
    whoMay(operation),
    "## Example",
    `\`\`\`sh\n${example.printed.curl}\n\`\`\``,
    recordedText(example.recorded),
    ...request(operation, description),
    ...Object.entries(operation.responses)
      .filter(([status]) => status !== "default")
      .flatMap(([status, reply]) => replySection(status, reply, description)),
    "## Refusals",
    refusals(operation),
  ];
  const markdown = parts.filter((part) => part !== "").join("\n\n");
  return {
    path: operationPath(operationId),
    title: summary,
    summary: `${method} ${path}: ${(words ?? summary).split(/(?<=\.)\s/)[0] ?? summary}`,
    markdown,
  };
}

function whoMay({ operationId, security }: Operation): string {
  const schemes = security.flatMap((one) => Object.keys(one));
  const named = `In generated clients: \`${operationId}\`.`;
  if (schemes.length === 0) return `Anybody may ask. ${named}`;
  const header = schemes.includes("moondream")
    ? "Send a key as `Authorization: Bearer …` or in `X-Moondream-Auth`."
    : schemes.includes("admin")
      ? "Send the administrator's key as `Authorization: Bearer …`."
      : "Send a key or a client token as `Authorization: Bearer …`.";
  return `${header} ${named}`;
}

function request(operation: Operation, description: Description): readonly string[] {
  const parameters = (operation.parameters ?? []).map((one) =>
    resolved<Parameter>(one, description),
  );
  const { requestBody } = operation;
  if (parameters.length === 0 && requestBody === undefined) return [];
  const rows = parameters.map(({ name, in: place, required, schema, description: words }) => {
    const text = (words ?? schema.description ?? "").replaceAll("|", "\\|");
    const mark = required === true ? " **required**" : "";
    return `| \`${name}\` | ${place}, ${typeName(schema, description).replaceAll("|", "\\|")}${mark} | ${text} |`;
  });
  return [
    "## Request",
    rows.length === 0
      ? ""
      : ["| parameter | where and what | |", "| --- | --- | --- |", ...rows].join("\n"),
    requestBody?.description ?? "",
    ...(requestBody === undefined ? [] : bodies(requestBody.content, description, true)),
  ];
}

/** Bodies by media type; those of the same schema together. */
function bodies(content: Content, description: Description, isRequest: boolean): readonly string[] {
  const groups = new Map<string, { readonly types: string[]; readonly schema: Schema }>();
  for (const [type, { schema = {} }] of Object.entries(content)) {
    const key = JSON.stringify(schema);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { types: [type], schema });
    else known.types.push(type);
  }
  return [...groups.values()].flatMap(({ types, schema }) => [
    `### ${isRequest ? "Body" : "Reply"} as ${types.map((type) => `\`${type}\``).join(", ")}`,
    types.includes("text/event-stream")
      ? events(content["text/event-stream"]?.["x-events"] ?? {}, description)
      : fieldsTable(schema, description, isRequest),
  ]);
}

function events(known: Readonly<Record<string, Schema>>, description: Description): string {
  const rows = Object.entries(known).map(([name, schema]) => {
    const { properties = {} } = resolved<Schema>(schema, description);
    const fields = Object.keys(properties).map((field) => `\`${field}\``);
    const isLong = fields.length > 8;
    const what =
      schema.$ref?.endsWith("/Answer") === true
        ? "the answer, as JSON replies have it"
        : fields.slice(0, isLong ? 8 : undefined).join(", ") + (isLong ? " …" : "");
    return `| \`${name}\` | ${what} |`;
  });
  return rows.length === 0
    ? "Server-sent events."
    : ["| event | its data |", "| --- | --- |", ...rows].join("\n");
}

/** Headers that every reply has, and that say nothing about this one. */
const everywhere: ReadonlySet<string> = new Set([
  "Cache-Control",
  "Server-Timing",
  "X-Content-Type-Options",
  "X-Request-Id",
]);

function replySection(status: string, reply: Reply, description: Description): readonly string[] {
  const told = Object.entries(reply.headers ?? {})
    .filter(([name]) => !everywhere.has(name))
    .map(([name, header]) => {
      const words = resolved<Header>(header, description).description;
      return `- \`${name}\`${words === undefined ? "" : `: ${words}`}`;
    });
  return [
    `## Reply ${status}`,
    reply.description,
    ...(reply.content === undefined ? [] : bodies(reply.content, description, false)),
    told.length === 0 ? "" : `Headers beside those of every reply:\n\n${told.join("\n")}`,
  ];
}

function refusals({ responses }: Operation): string {
  const types = Object.keys(responses["default"]?.content ?? {});
  const shape = types.includes("application/problem+json")
    ? "A problem document (RFC 9457)"
    : "In the shape of the API that this route is compatible with";
  return `${shape}, with one of the [codes](/docs/errors). A refusal costs nothing.`;
}
