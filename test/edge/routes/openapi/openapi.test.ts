import { describe, expect, test } from "vitest";
import { app } from "#edge/app.ts";
import { parseAnswerJson } from "#wire/api/answers/requests.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { errorCodes } from "#wire/error-codes.ts";
import { jsonBody } from "../../../support/bodies.ts";
import { untold } from "../../../support/edge-builders.ts";
import { ask } from "../../function-double.ts";

/** A node of the document, with its place. */
interface Placed {
  readonly at: string;
  readonly node: Readonly<Record<string, unknown>>;
}

/** Every object of a document, with its place. */
function schemasIn(node: unknown, at = ""): readonly Placed[] {
  if (typeof node !== "object" || node === null) return [];
  const own = Array.isArray(node) ? [] : [{ at, node: node as Placed["node"] }];
  return [
    ...own,
    ...Object.entries(node).flatMap(([name, value]) => schemasIn(value, `${at}/${name}`)),
  ];
}

/** Those, and all that they refer to. */
function withReferences(roots: readonly Placed[], document: object): readonly Placed[] {
  const known = new Map<string, readonly Placed[]>();
  const follow = (placed: readonly Placed[]): void => {
    for (const { node } of placed) {
      const { $ref } = node;
      if (typeof $ref !== "string" || known.has($ref)) continue;
      const target = $ref
        .slice(2)
        .split("/")
        .reduce<unknown>((within, name) => (within as Placed["node"])[name], document);
      const found = schemasIn(target, $ref);
      known.set($ref, found);
      follow(found);
    }
  };
  follow(roots);
  return [...roots, ...[...known.values()].flat()];
}

describe("GET /openapi.json", () => {
  interface Document {
    openapi: string;
    paths: Record<
      string,
      Record<string, { operationId: string; tags: string[]; security: object[]; responses: object }>
    >;
    servers: { url: string }[];
    tags: { name: string; description: string }[];
    webhooks: Record<string, unknown>;
    components: {
      schemas: Record<
        string,
        { properties: Record<string, { examples?: unknown[] }>; examples?: unknown[] }
      >;
      "x-errors": object;
    };
  }

  async function document<More = unknown>(): Promise<Document & More> {
    return await (await ask("/openapi.json", { headers: { authorization: "" } })).json();
  }

  test("describes every route that there is, and no other", async () => {
    const { openapi, paths } = await document();
    expect(openapi).toBe("3.1.0");
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(described.toSorted()).toEqual(served.toSorted());
  });

  /** Whose body says who asks. */
  const bringsItsOwn = new Set(["showErasure", "createSession", "receivePayment"]);

  test("asks for a key exactly where one is needed", async () => {
    const { paths } = await document();
    for (const [path, methods] of Object.entries(paths))
      for (const { operationId, security } of Object.values(methods))
        expect(security.length > 0, path).toBe(
          path.startsWith("/v1/") && !bringsItsOwn.has(operationId),
        );
  });

  test("names every operation once, in camelCase, under a tag that is described", async () => {
    const { paths, tags } = await document();
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    const names = operations.map(({ operationId }) => operationId);
    expect(names.filter((name) => !/^[a-z][A-Za-z]+$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    const described = new Set(tags.map(({ name }) => name));
    for (const operation of operations) expect(described).toContain(operation.tags[0]);
    for (const { description } of tags) expect(description).toMatch(/\.$/);
  });

  test("says of every integer how wide it is, so that none overflows in a generated client", async () => {
    const integers = schemasIn(await document()).filter(({ node }) =>
      [node["type"]].flat().includes("integer"),
    );
    expect(integers.length).toBeGreaterThan(100);
    const wrong = integers.filter(({ node }) => {
      const {
        format,
        minimum = -Infinity,
        maximum = Infinity,
      } = node as {
        readonly format?: string;
        readonly minimum?: number;
        readonly maximum?: number;
      };
      const isSmall = minimum >= -(2 ** 31) && maximum < 2 ** 31;
      return format !== (isSmall ? "int32" : "int64");
    });
    expect(wrong.map(({ at }) => at)).toEqual([]);
  });

  test("closes no reply and no notice: fields are added to them, and strict decoders would break", async () => {
    const described = await document();
    const { paths, webhooks } = described;
    const replies = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { responses }]) => [`${method} ${path}`, responses]),
    );
    const roots = schemasIn({ ...Object.fromEntries(replies), webhooks });
    const closed = withReferences(roots, described).filter(
      ({ node }) => node["additionalProperties"] === false,
    );
    expect(closed.map(({ at }) => at)).toEqual([]);
  });

  test("gives the refusals of routes that others' clients call in those clients' shape", async () => {
    const { paths } = await document();
    for (const path of ["/v1/chat/completions", "/v1/query", "/v1/caption"])
      expect(paths[path]?.["post"]?.responses, path).toMatchObject({
        default: {
          content: { "application/json": { schema: { $ref: "#/components/schemas/ChatError" } } },
        },
      });
  });

  test("names the address that it was asked at", async () => {
    expect((await document()).servers).toMatchObject([{ url: "https://unmask.test" }]);
  });

  test("has no schema that is true or false: generators read objects alone, and give up the whole document", async () => {
    const found: string[] = [];
    const search = (node: unknown, at: string): void => {
      if (typeof node !== "object" || node === null) return;
      for (const [name, value] of Object.entries(node)) {
        // `additionalProperties` is a boolean in every version of OpenAPI.
        const isSchema = ["items", "not", "contains", "unevaluatedProperties"].includes(name);
        if (isSchema && typeof value === "boolean") found.push(`${at}/${name}`);
        search(value, `${at}/${name}`);
      }
    };
    const { components, paths } = await document();
    search({ components, paths }, "");
    expect(found).toEqual([]);
    const { choices } = components.schemas["ChatCompletion"]?.properties ?? {};
    expect(choices).toMatchObject({ prefixItems: [{}], minItems: 1, maxItems: 1 });
  });

  test("stands at a second address without its webhooks, for generators that stumble over them", async () => {
    const { webhooks, externalDocs, ...rest } = await document<{ externalDocs: { url: string } }>();
    expect(Object.keys(webhooks)).toContain("answer.completed");
    const response = await ask(externalDocs.url, { headers: { authorization: "" } });
    expect(await response.json()).toEqual(rest);
  });

  test("gives an example question that is accepted", async () => {
    const { components } = await document();
    const { properties } = components.schemas["AnswerRequest"] ?? { properties: {} };
    const example = Object.fromEntries(
      Object.entries(properties)
        .filter(([, { examples }]) => examples !== undefined)
        .map(([name, { examples }]) => [name, examples?.[0]]),
    );
    expect(Object.keys(example)).toContain("image");
    expect(parseAnswerJson(jsonBody(example), untold).ok).toBe(true);
  });

  test("gives an example answer that is one", async () => {
    const { examples = [] } = (await document()).components.schemas["Answer"] ?? {};
    expect(examples.map((example) => answerSchema.parse(example))).toEqual(examples);
    expect(examples).toHaveLength(1);
  });

  test("lists every error code with its status", async () => {
    expect((await document()).components["x-errors"]).toEqual(errorCodes);
  });
});
