import { type Problem, problemOf } from "#wire/error.ts";
import { type ErrorCode, errorCodes } from "#wire/error-codes.ts";
import { type DocsPage, plain } from "../page.ts";
import type { Advice } from "./advice.ts";
import { advice } from "./catalogue.ts";
import { samples } from "./samples.ts";

/** One page for each code that a refusal can have, at the address that its problem's `type` has, and the list of them. */
export function errorPages(): { readonly overview: DocsPage; readonly pages: readonly DocsPage[] } {
  const kinds = Object.keys(errorCodes) as (keyof typeof errorCodes)[];
  const pages = kinds.map((kind) =>
    errorPage(kind, required(kind), advice[kind], problemFor(kind)),
  );
  return { overview: overviewPage(kinds), pages };
}

function required(kind: keyof typeof errorCodes): ErrorCode {
  const code = errorCodes[kind];
  if (code === undefined) throw new Error(`there is no code ${kind}`);
  return code;
}

/** A problem of that code as a caller would read it. */
function problemFor(kind: keyof typeof errorCodes): Problem {
  return problemOf(samples[kind], {
    requestId: "req_7c1f0a5be2",
    instance: advice[kind].at ?? "/v1/answers",
  });
}

function errorPage(
  kind: string,
  code: ErrorCode,
  { happened, todo }: Advice,
  problem: Problem,
): DocsPage {
  const repeat = code.isRetryable
    ? "The same request may succeed later: repeat it with the same `Idempotency-Key`, after `Retry-After` where the reply has one. Our clients and OpenAI's do so by themselves."
    : "The same request will be refused again: change it first. No client repeats it by itself.";
  const markdown = [
    `# ${code.title}`,
    `\`${kind}\` · HTTP ${code.status} · ${code.isRetryable ? "may be repeated" : "not to be repeated"} · costs nothing`,
    "## What happened",
    happened,
    "## What to do",
    todo,
    repeat,
    "## How it reads",
    `\`\`\`json\n${JSON.stringify(problem, null, 2)}\n\`\`\``,
    "Programs switch on `code`, which never changes its meaning or status; `detail` is for people and has the numbers of the case. [All codes](/docs/errors)",
  ].join("\n\n");
  return {
    path: `/docs/errors/${kind}`,
    title: code.title,
    summary: `${kind}, HTTP ${code.status}. ${plain(happened)}`,
    markdown,
  };
}

function overviewPage(kinds: readonly (keyof typeof errorCodes)[]): DocsPage {
  const byStatus = Map.groupBy(kinds, (kind) => required(kind).status);
  const tables = [...byStatus]
    .toSorted(([one], [other]) => one - other)
    .map(([status, some]) => {
      const rows = some.map((kind) => {
        const { title, isRetryable } = required(kind);
        return `| [\`${kind}\`](/docs/errors/${kind}) | ${title} | ${isRetryable ? "yes" : "no"} |`;
      });
      return `## ${status}\n\n${["| code | | may be repeated |", "| --- | --- | --- |", ...rows].join("\n")}`;
    });
  const summary =
    "Every refusal is a problem document with a code. Each code has a page that says what happened and what to do, and a refusal costs nothing.";
  return {
    path: "/docs/errors",
    title: "Errors",
    summary,
    markdown: [
      "# Errors",
      summary,
      "A refusal is `application/problem+json` (RFC 9457): `code` for programs, `detail` for people, `type` with the address of the code's page, `errors` with a pointer to each field that is wrong, `retryable`, and `request_id`, which names the request in the seller's log. The routes of other APIs have those APIs' shape, with the same code.",
      ...tables,
    ].join("\n\n"),
  };
}
