import { expect, test } from "vitest";
import { ConnectionError, RefusedError } from "#client/errors.ts";
import { createList } from "#playground/account/data/list.ts";
import { createResource, type Reporter } from "#playground/account/data/resource.ts";
import { accountTroubleOf } from "#playground/account/data/trouble.ts";
import type { Page } from "#wire/api/page.ts";

/** A reporter whose waits end when the test says so. */
function reporter(): Reporter & {
  readonly waits: { readonly ms: number; readonly end: () => void }[];
} {
  const waits: { ms: number; end: () => void }[] = [];
  return {
    waits,
    troubleOf: (cause) => accountTroubleOf(cause, true),
    later: (end, ms) => void waits.push({ ms, end }),
  };
}

function page(data: readonly number[], next: string | null): Page<number> {
  return { object: "list", data, has_more: next !== null, next_cursor: next };
}

function refused(status: number, retryAfter?: number): RefusedError {
  return new RefusedError(
    {
      ...{ type: "", title: "T", status, detail: "D.", instance: "/", code: "c", request_id: "r" },
      ...{ retryable: status === 429, charged_micros: 0, errors: [] },
    },
    retryAfter,
  );
}

/** Replies one after the other; a fault is thrown. */
function replies<Value>(...queue: (Value | Error)[]): () => Promise<Value> {
  return async () => {
    const next = queue.shift();
    if (next === undefined) throw new Error("nobody expected this to be asked");
    if (next instanceof Error) throw next;
    return next;
  };
}

test("what is known stays when asking again fails, and the trouble is told beside it", async () => {
  const resource = createResource(replies<number>(1, new ConnectionError("gone"), 2), reporter());
  await resource.load();
  await resource.load();
  expect(resource.get()).toMatchObject({ value: 1, isLoading: false });
  expect(resource.get().trouble?.title).toBe("The service cannot be reached");
  await resource.load();
  expect(resource.get()).toEqual({ value: 2, isLoading: false, trouble: null });
});

test("who asks while it is on its way waits for the same reply", async () => {
  const resource = createResource(replies<number>(1), reporter());
  await Promise.all([resource.load(), resource.load()]);
  expect(resource.get().value).toBe(1);
});

test("a reply on its way is not taken where what it depends on has changed meanwhile", async () => {
  const asked: string[] = [];
  let filter = "all";
  const ask = async (): Promise<string> => {
    asked.push(filter);
    return filter;
  };
  const resource = createResource(ask, reporter());
  const first = resource.load();
  filter = "credit";
  await Promise.all([resource.reload(), first]);
  expect([resource.get().value, asked]).toEqual(["credit", ["all", "credit"]]);
});

test("a list whose next page is on its way begins anew where what narrows it has changed", async () => {
  const asked: (string | null)[] = [];
  const list = createList<number>(async (after) => {
    asked.push(after);
    return asked.length < 3 ? page([asked.length], `after-${asked.length}`) : page([9], null);
  }, reporter());
  await list.load();
  await Promise.all([list.more(), list.reload()]);
  expect(list.get().value).toEqual({ items: [9], next: null });
  expect(asked).toEqual([null, "after-1", null]);
});

test("after 429 it is asked again by itself when the service said, once, and not where it was asked meanwhile", async () => {
  const waiting = reporter();
  const resource = createResource(replies<number>(refused(429, 7), 5, refused(429, 7), 6), waiting);
  await resource.load();
  expect(resource.get().trouble?.advice).toContain("by itself in 7 s");
  expect(waiting.waits.map(({ ms }) => ms)).toEqual([7_000]);
  waiting.waits[0]?.end();
  await resource.load();
  expect(resource.get()).toMatchObject({ value: 5, trouble: null });
  await resource.load();
  await resource.load();
  waiting.waits[1]?.end();
  expect(resource.get()).toMatchObject({ value: 6, isLoading: false, trouble: null });
});

test("nobody is kept waiting longer than a minute by a page that asks again by itself", async () => {
  const waiting = reporter();
  const resource = createResource(replies<number>(refused(429, 3_600)), waiting);
  await resource.load();
  expect(waiting.waits).toEqual([]);
});

test("a list grows page by page; asked for again it begins at the first", async () => {
  const asked: (string | null)[] = [];
  const list = createList<number>(async (after) => {
    asked.push(after);
    return after === null ? page([1, 2], "b") : page([3], null);
  }, reporter());
  await list.load();
  await list.more();
  expect(list.get().value).toEqual({ items: [1, 2, 3], next: null });
  await list.load();
  expect(list.get().value).toEqual({ items: [1, 2], next: "b" });
  expect(asked).toEqual([null, "b", null]);
});

test("where the next page fails, the part that came stays, and trying again means that page", async () => {
  const asked: (string | null)[] = [];
  const reply = replies<Page<number>>(page([1], "b"), new ConnectionError("gone"), page([2], null));
  const list = createList<number>((after) => {
    asked.push(after);
    return reply();
  }, reporter());
  await list.load();
  await list.more();
  expect(list.get().value?.items).toEqual([1]);
  expect(list.get().trouble).not.toBeNull();
  await list.load();
  expect(list.get().value).toEqual({ items: [1, 2], next: null });
  expect(asked).toEqual([null, "b", "b"]);
});

test("a refusal because nobody is signed in says that what was typed is still there", () => {
  expect(accountTroubleOf(refused(401), true)).toMatchObject({
    title: "Your session is over",
    action: "sign_in",
  });
});

test("a scope that is missing leads to a key that has it, not to another try", () => {
  const missing = new RefusedError({ ...refused(403).problem, code: "scope_missing" });
  const trouble = accountTroubleOf(missing, true);
  expect(trouble.action).toBeUndefined();
  expect(trouble.advice).toContain("sign in with one that has the scope");
});

test("offline is told apart from a service that is away", () => {
  const broken = new ConnectionError("broke");
  expect(accountTroubleOf(broken, false).title).toBe("This device is offline");
  expect(accountTroubleOf(broken, true).title).toBe("The service cannot be reached");
});
