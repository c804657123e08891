import type { DocsGroup, DocsPage } from "../page.ts";
import { type Description, type Route, routesOf } from "./description.ts";
import { operationExamples, readRecorded } from "./examples.ts";
import { operationPage } from "./operation-page.ts";

/** A page for each operation, by the description's tags, and one that lists them. */
export function referencePages(description: Description): {
  readonly overview: DocsPage;
  readonly groups: readonly DocsGroup[];
} {
  const recorded = readRecorded();
  const page = (route: Route): DocsPage => {
    const { operationId } = route.operation;
    const [printed, reply] = [operationExamples[operationId], recorded[operationId]];
    if (printed === undefined || reply === undefined)
      throw new Error(
        `the reference has no example of ${operationId}: add it to examples.ts and run record.ts`,
      );
    return operationPage(route, description, { printed, recorded: reply });
  };
  const routes = routesOf(description);
  const groups = description.tags.map(({ name, description: words }) => {
    const own = routes.filter(({ operation }) => operation.tags[0] === name);
    return { title: name, words, routes: own, pages: own.map(page) };
  });
  return { overview: overviewPage(groups), groups };
}

interface TaggedRoutes extends DocsGroup {
  readonly words: string;
  readonly routes: readonly Route[];
}

function overviewPage(groups: readonly TaggedRoutes[]): DocsPage {
  const summary =
    "Every operation of the API, with an example that runs, what it takes and what it replies.";
  const tables = groups.map(({ title, words, routes, pages }) => {
    const rows = routes.map(
      ({ method, path }, index) =>
        `| [${pages[index]?.title}](${pages[index]?.path}) | \`${method} ${path}\` |`,
    );
    return `## ${title}\n\n${words}\n\n${["| operation | |", "| --- | --- |", ...rows].join("\n")}`;
  });
  const markdown = [
    "# Reference",
    summary,
    "The API's own description is `GET /openapi.json` (OpenAPI 3.1); `GET /openapi-without-webhooks.json` is the same for generators that stumble over webhooks. Operations have stable names for generated clients.",
    "## What holds for all",
    [
      "- **Key**: `Authorization: Bearer umk_…`, or a [client token](/docs/reference/createClientToken) where the page says so.",
      "- **Repeat safely**: an `Idempotency-Key` of yours gets the first reply again for 24 hours, charged once.",
      "- **Money** is whole micro-dollars in fields named `…_micros`; **times** are RFC 3339 in UTC.",
      "- **Lists** come in pages: `limit`, then `after` with the `next` of the page before, or the `Link` header.",
      "- **Rates** are told in `RateLimit` and `RateLimit-Policy`, and `Retry-After` where you have to wait.",
      "- **Every reply** has `X-Request-Id`, which names it in the seller's log, and `Server-Timing`.",
      "- **Refusals** are problem documents with a [code](/docs/errors), and cost nothing.",
      "- **Requests are closed, replies open**: an unknown field is refused, and new fields may come ([API versions](/docs/api-versions)).",
    ].join("\n"),
    ...tables,
  ].join("\n\n");
  return { path: "/docs/reference", title: "Reference", summary, markdown };
}
