import { describe, expect, test } from "vitest";
import { app } from "#edge/app.ts";
import { errorCodes } from "#wire/error-codes.ts";
import { parseAnswerJson } from "#wire/requests.ts";
import { answerSchema } from "#wire/responses.ts";
import { untold } from "../../support/edge-builders.ts";
import { ask } from "../function-double.ts";

describe("GET /openapi.json", () => {
  interface Document {
    openapi: string;
    paths: Record<string, Record<string, { security?: object[]; responses: object }>>;
    components: {
      schemas: Record<
        string,
        { properties: Record<string, { example?: unknown }>; example?: unknown }
      >;
      "x-errors": object;
    };
  }

  async function document(): Promise<Document> {
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

  test("asks for a key exactly where one is needed", async () => {
    const { paths } = await document();
    for (const [path, methods] of Object.entries(paths))
      for (const { security } of Object.values(methods))
        expect(security !== undefined, path).toBe(path.startsWith("/v1/"));
  });

  test("gives an example question that is accepted", async () => {
    const { components } = await document();
    const { properties } = components.schemas["AnswerRequest"] ?? { properties: {} };
    const example = Object.fromEntries(
      Object.entries(properties)
        .filter(([, { example }]) => example !== undefined)
        .map(([name, { example }]) => [name, example]),
    );
    expect(Object.keys(example)).toContain("image");
    expect(parseAnswerJson(new TextEncoder().encode(JSON.stringify(example)), untold).ok).toBe(
      true,
    );
  });

  test("gives an example answer that is one", async () => {
    const { example } = (await document()).components.schemas["Answer"] ?? {};
    expect(answerSchema.parse(example)).toEqual(example);
  });

  test("lists every error code where a problem's type points", async () => {
    expect((await document()).components["x-errors"]).toEqual(errorCodes);
  });
});
