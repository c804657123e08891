import type * as z from "zod";
import type { createDocument } from "zod-openapi";
import type { Content } from "./route.ts";

type Paths = NonNullable<ReturnType<typeof createDocument>["paths"]>;

/** OpenAPI 3.1 has no place for the events of a stream; until they are moved they stand as media types that are never sent. */
const PLACE = "x-event/";

/** Describes a stream of events by the schemas of their data, by name. `placed` moves them to where readers find them. */
export function eventContent(events: Readonly<Record<string, z.ZodType>>): Content {
  const places = Object.entries(events).map(([name, schema]) => [`${PLACE}${name}`, { schema }]);
  return { "text/event-stream": { schema: { type: "string" } }, ...Object.fromEntries(places) };
}

/** Moves the events of every reply under `x-events` of its stream, as 3.2's `itemSchema` has them. */
export function placed(paths: Paths): Paths {
  return JSON.parse(JSON.stringify(paths), (key, value: unknown) =>
    key === "content" && typeof value === "object" && value !== null ? moved(value) : value,
  );
}

function moved(content: object): object {
  const entries = Object.entries(content);
  const isEvent = ([name]: [string, unknown]): boolean => name.startsWith(PLACE);
  const events = entries
    .filter(isEvent)
    .map(([name, { schema }]): [string, unknown] => [name.slice(PLACE.length), schema]);
  if (events.length === 0) return content;
  const others = Object.fromEntries(entries.filter((entry) => !isEvent(entry)));
  const stream = { ...others["text/event-stream"], "x-events": Object.fromEntries(events) };
  return { ...others, "text/event-stream": stream };
}
