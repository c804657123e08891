import { describe, expect, test } from "vitest";
import { DocumentCheck, type OpenapiDocument } from "./document-check.ts";
import { bodyText, type Exchange, type Told } from "./exchange.ts";

const string = { type: "string" };
const named = {
  type: "object",
  properties: { name: { type: "string", minLength: 1 }, size: { type: "integer" } },
  required: ["name"],
};
const document: OpenapiDocument = {
  paths: {
    "/things": {
      post: {
        parameters: [
          { name: "limit", in: "query", schema: { type: "integer", minimum: 1 } },
          { name: "X-Way", in: "header", schema: { type: "string", pattern: "^[a-z]+$" } },
        ],
        requestBody: {
          required: true,
          content: {
            "application/json": { schema: { ...named, additionalProperties: false } },
            "multipart/form-data": { schema: { ...named, additionalProperties: false } },
            "image/*": { schema: string },
          },
        },
        responses: {
          200: {
            headers: { Location: { $ref: "#/components/headers/Location" } },
            content: { "application/json": { schema: { $ref: "#/components/schemas/Thing" } } },
          },
          default: { content: { "application/problem+json": { schema: {} } } },
        },
      },
    },
    "/things/{id}": {
      get: {
        parameters: [
          { name: "id", in: "path", required: true, schema: { pattern: "^t_", ...string } },
        ],
        responses: { 204: {} },
      },
    },
    "/things/{id}/events": {
      get: {
        responses: {
          200: {
            content: {
              "text/event-stream": { schema: string, "x-events": { "thing.made": named } },
            },
          },
        },
      },
    },
  },
  components: {
    schemas: { Thing: { ...named, allOf: [{ properties: { kind: string }, type: "object" }] } },
    headers: { Location: { required: true, schema: { type: "string", pattern: "^/" } } },
  },
};

const json = { "content-type": "application/json" };
const told = (body: unknown, headers: Record<string, string> = json): Told => ({
  headers,
  body: body === null ? null : bodyText(new TextEncoder().encode(JSON.stringify(body))),
  isStream: false,
});
const good: Exchange = {
  method: "POST",
  target: "/things?limit=3",
  request: told({ name: "a" }),
  status: 200,
  reply: told({ name: "a", size: 1, kind: "b" }, { ...json, location: "/things/1" }),
};
const refusal = told(
  { errors: [{ pointer: "/name", message: "is missing" }] },
  { "content-type": "application/problem+json" },
);

async function disagreements(exchange: Partial<Exchange>): Promise<string> {
  return (await new DocumentCheck(document).disagreements({ ...good, ...exchange })).join("\n");
}

describe("a document and a server agree", () => {
  test("where both take a request, and the reply is as described", async () => {
    expect(await disagreements({})).toBe("");
  });

  test("where both refuse one", async () => {
    expect(await disagreements({ request: told({}), status: 400, reply: refusal })).toBe("");
  });

  test("where the server refuses for a reason that no schema can give", async () => {
    const reply = told(
      { errors: [{ pointer: "/size", message: "7 does not divide the canvas of 32" }] },
      refusal.headers,
    );
    expect(await disagreements({ status: 400, reply })).toBe("");
  });

  test("about a form, whose numbers are text", async () => {
    const form = new FormData();
    form.append("name", "a");
    form.append("size", "4");
    const written = new Response(form);
    const headers = { "content-type": written.headers.get("content-type") ?? "" };
    const body = bodyText(new Uint8Array(await written.arrayBuffer()));
    expect(await disagreements({ request: { headers, body, isStream: false } })).toBe("");
  });
});

describe("a document and a server disagree", () => {
  const location = { location: "/things/1" };

  test.each<[string, Partial<Exchange>, string]>([
    ["the server takes an unknown field", { request: told({ name: "a", x: 1 }) }, "additional"],
    ["the server takes a missing field", { request: told({}) }, "required"],
    ["the server takes a field of another type", { request: told({ name: 1 }) }, "/name"],
    ["the server takes no body", { request: told(null, {}) }, "the body is required"],
    [
      "the server takes another media type",
      { request: told("a", { "content-type": "text/plain" }) },
      "text/plain is not known",
    ],
    ["the server takes a wrong parameter", { target: "/things?limit=0" }, "query limit"],
    ["the server takes a parameter that is none", { target: "/things?page=2" }, "query page"],
    [
      "the server takes a wrong header",
      { request: told({ name: "a" }, { ...json, "x-way": "UP" }) },
      "header X-Way",
    ],
    [
      "the server answers what it should not have read",
      { request: told({}), status: 422, reply: refusal },
      "takes what the document refuses",
    ],
    [
      "the server refuses what the document takes",
      { status: 400, reply: refusal },
      "refuses what the document takes",
    ],
    [
      "the reply has a field more",
      { reply: told({ name: "a", x: 1 }, { ...json, ...location }) },
      "unevaluated",
    ],
    ["the reply lacks a field", { reply: told({}, { ...json, ...location }) }, "required"],
    ["the reply lacks a header", { reply: told({ name: "a" }) }, "header location is missing"],
    [
      "the reply has a header more",
      { reply: told({ name: "a" }, { ...json, ...location, etag: '"1"' }) },
      "header etag is not known",
    ],
    [
      "the reply has another media type",
      { reply: told({ name: "a" }, { "content-type": "text/html", ...location }) },
      "text/html is not known",
    ],
    ["the reply has a status that is not described", { status: 201 }, "this status"],
    [
      "the reply has a body where none is described",
      { method: "GET", target: "/things/t_1", request: told(null, {}), status: 204 },
      "should have none",
    ],
    [
      "the server takes a wrong path",
      {
        method: "GET",
        target: "/things/x",
        request: told(null, {}),
        status: 204,
        reply: told(null, {}),
      },
      "path id",
    ],
    ["the document knows nothing of it", { target: "/others" }, "knows no POST /others"],
  ])("where %s", async (_, exchange, complaint) => {
    expect(await disagreements(exchange)).toContain(complaint);
  });
});

describe("a stream of events", () => {
  const stream = (text: string): Partial<Exchange> => ({
    method: "GET",
    target: "/things/t_1/events",
    request: told(null, {}),
    reply: {
      headers: { "content-type": "text/event-stream; charset=utf-8" },
      body: bodyText(new TextEncoder().encode(text)),
      isStream: true,
    },
  });

  test.each([
    ["as described", 'event: thing.made\ndata: {"name":"a"}\n\n', ""],
    ["complete, in the words of OpenAI", "data: [DONE]\n\n", ""],
    ["with a field more", 'event: thing.made\ndata: {"name":"a","x":1}\n\n', "unevaluated"],
    ["with an event more", 'event: thing.lost\ndata: {"name":"a"}\n\n', "thing.lost is not known"],
  ])("%s", async (_, text, complaint) => {
    const found = await disagreements(stream(text));
    expect(complaint === "" ? found : found.includes(complaint)).toBe(complaint === "" ? "" : true);
  });
});

test("a document whose schemas JSON Schema 2020-12 does not know is no document", () => {
  const draft04 = { type: "array", items: [string, string] };
  const { schemas, ...components } = document.components;
  const broken = { ...components, schemas: { ...schemas, Thing: draft04 } };
  expect(() => new DocumentCheck({ ...document, components: broken })).toThrow(/schema is invalid/);
});
