import { type Description, routesOf } from "../../infra/site/docs/reference/description.ts";
import type { RecordedReply } from "../../infra/site/docs/reference/examples.ts";
import { type Schema, Schemas } from "../openapi/schemas.ts";

/** Holds replies to examples against the description; empty where they are what it says. */
export function replyProblems(
  description: Description,
  replies: ReadonlyMap<string, RecordedReply>,
): readonly string[] {
  const schemas = new Schemas(
    description.components.schemas as unknown as Readonly<Record<string, Schema>>,
  );
  return routesOf(description).flatMap(({ operation }) => {
    const { operationId, responses } = operation;
    const reply = replies.get(operationId);
    if (reply === undefined) return [`${operationId} has no reply`];
    const described = responses[String(reply.status)] ?? responses["default"];
    const type = reply.contentType?.split(";")[0] ?? "";
    // A part of a file is not what the whole is.
    const isPart = reply.status === 206;
    if (isPart || type === "" || type === "text/event-stream") return [];
    const schema = described?.content?.[type]?.schema;
    if (schema === undefined) return [`${operationId} does not reply ${reply.status} as ${type}`];
    const value: unknown = type === "text/plain" ? reply.body : JSON.parse(reply.body);
    return schemas
      .problems(schema as unknown as Schema, value)
      .map((problem) => `${operationId}: ${problem}`);
  });
}
