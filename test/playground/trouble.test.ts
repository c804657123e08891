import { expect, test } from "vitest";
import { ConnectionError, RefusedError, ReplyError } from "#client/errors.ts";
import { PictureError } from "#playground/pictures/reduce.ts";
import { troubleOf } from "#playground/trouble.ts";
import { errorCodes } from "#wire/error-codes.ts";

function refused(code: string, title: string, retryable: boolean): RefusedError {
  return new RefusedError({
    ...{ type: "", title, status: 400, detail: `What ${code} is about.`, instance: "/v1/answers" },
    ...{ code, request_id: "req_1", retryable, charged_micros: 0, errors: [] },
  });
}

test.each(Object.entries(errorCodes))(
  "%s has a title, advice, and what to name when asking for help",
  (code, { title, isRetryable }) => {
    const trouble = troubleOf(refused(code, title, isRetryable), true);
    expect(trouble.title).not.toBe("");
    expect(trouble.advice).toMatch(/\w.*[.!`]/);
    expect(trouble.reference).toBe(`${code} · req_1`);
  },
);

test("what may pass is offered to be asked again, what lasts is not", () => {
  expect(troubleOf(refused("overloaded", "Overloaded", true), true).action).toBe("ask_again");
  expect(troubleOf(refused("image_bomb", "Picture refused", false), true).action).toBeUndefined();
});

test("a broken connection is told apart: this device is offline, or the service is away", () => {
  const broken = new ConnectionError("broke");
  expect(troubleOf(broken, false).title).toBe("This device is offline");
  expect(troubleOf(broken, true).title).toBe("The service cannot be reached");
  expect(troubleOf(new ReplyError("a page"), true).title).toBe("Something else answered");
});

test.each(["heic", "unreadable", "too_large"] as const)(
  "a picture that is %s says what to do",
  (kind) => {
    expect(troubleOf(new PictureError(kind), true).advice.length).toBeGreaterThan(40);
  },
);
