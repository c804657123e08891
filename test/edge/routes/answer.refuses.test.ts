import { afterEach, describe, expect, test, vi } from "vitest";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { story } from "../../support/edge-builders.ts";
import { ask, askJson, eventReply, functionReplies, refusal } from "../function-double.ts";
import { newKey } from "./administration.ts";

afterEach(() => vi.restoreAllMocks());

const nobodys = `ans_${"0".repeat(21)}`;
const routes: readonly (readonly [method: string, rest: string])[] = [
  ["GET", ""],
  ["GET", "/events"],
  ["POST", "/cancel"],
];

describe.each(routes)("%s /v1/answers/{id}%s refuses", (method, rest) => {
  test("an answer that there is not", async () => {
    expect(await refusal(await ask(`/v1/answers/${nobodys}${rest}`, { method }))).toMatchObject({
      status: 404,
      code: "not_found",
    });
  });

  test("no key", async () => {
    const headers = { authorization: "" };
    const response = await ask(`/v1/answers/${nobodys}${rest}`, { method, headers });
    expect(await refusal(response)).toMatchObject({ status: 401, code: "unauthenticated" });
  });

  test("a key that may not ask", async () => {
    const { key } = await newKey({ scopes: ["usage"] });
    const headers = { authorization: `Bearer ${key}` };
    const response = await ask(`/v1/answers/${nobodys}${rest}`, { method, headers });
    expect(await refusal(response)).toMatchObject({ status: 403, code: "scope_missing" });
  });
});

test.each(["ans_1.2", "ID.x", "ID.", "ID.-1", "ID.1.2", "-1", "1e3", "99999999999"])(
  "GET /v1/answers/{id}/events refuses to go on behind %s",
  async (lastId) => {
    functionReplies(() => eventReply(story));
    const { id } = answerSchema.parse(await (await askJson({ question: "?" })).json());
    const headers = { "last-event-id": lastId.replace("ID", id) };
    expect(await refusal(await ask(`/v1/answers/${id}/events`, { headers }))).toMatchObject({
      status: 400,
      code: "invalid_request",
      errors: [{ pointer: "/Last-Event-ID" }],
    });
  },
);

test.each(["limit=0", "limit=101", "limit=x", "status=done", "after=%00", "page=2"])(
  "GET /v1/answers refuses ?%s",
  async (query) => {
    expect(await refusal(await ask(`/v1/answers?${query}`))).toMatchObject({
      status: 400,
      code: "invalid_request",
    });
  },
);
