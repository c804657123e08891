import type { Page, Route } from "playwright-core";

/** What a stand-in of the service replies to one path: a body, or a whole reply. */
export type StandInReply =
  | object
  | ((route: Route, url: URL) => Promise<void> | object | undefined);

/** Replies by `METHOD /path`; a path that is not named is not there. */
export type StandIn = Record<string, StandInReply>;

/** Answers what a page asks of `/v1/*` itself, so that states can be shown that a real system is seldom in. Replies may be exchanged as it goes. */
export async function standIn(page: Page, replies: StandIn): Promise<void> {
  await page.route("**/v1/**", async (route) => {
    const request = route.request();
    const url = new URL(request.url());
    const reply = replies[`${request.method()} ${url.pathname}`];
    const body = typeof reply === "function" ? await reply(route, url) : reply;
    if (typeof reply === "function" && body === undefined) return;
    if (body === undefined) await problem(route, { status: 404, code: "not_found" });
    else await route.fulfill({ json: body });
  });
}

/** Refuses as the service does. */
export async function problem(
  route: Route,
  {
    status,
    code,
    detail = `What ${code} is about.`,
    retryAfter,
  }: {
    readonly status: number;
    readonly code: string;
    readonly detail?: string;
    readonly retryAfter?: number;
  },
): Promise<void> {
  await route.fulfill({
    status,
    contentType: "application/problem+json",
    headers: retryAfter === undefined ? {} : { "retry-after": String(retryAfter) },
    body: JSON.stringify({
      ...{ type: `/docs/errors/${code}`, title: code, status, detail, code },
      ...{ request_id: "req_1", retryable: status === 429, charged_micros: 0, errors: [] },
    }),
  });
}

/** A page of a list. */
export function listOf(data: readonly object[], next: string | null = null): object {
  return { object: "list", data, has_more: next !== null, next_cursor: next };
}
