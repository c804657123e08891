import type { DocsPage, DocsSection } from "./page.ts";

export const DOCS_SUMMARY =
  "An API that answers questions about pictures at the edge with a masked-diffusion language model: the price is known before, the answer can be replayed, and there is always one at the deadline.";

/** The first page: what there is to do, one line each. */
export function homePage(sections: readonly DocsSection[]): DocsPage {
  const lists = sections.map(({ title, pages }) => {
    const items = pages.map((page) => `- [${page.title}](${page.path}) — ${page.summary}`);
    return `## ${title}\n\n${items.join("\n")}`;
  });
  const markdown = [
    "# Documentation",
    DOCS_SUMMARY,
    '```sh\ncurl -s "$UNMASK_URL/v1/answers" -H "Authorization: Bearer $UNMASK_KEY" \\\n  -F image=@cat.jpg -F question="What is this?"\n```',
    "New here? [Ask about a picture](/docs/quickstarts/ask) takes two minutes. For programs and models: [llms.txt](/llms.txt), and every page as Markdown under its address with `.md`.",
    ...lists,
  ].join("\n\n");
  return { path: "/docs", title: "Documentation", summary: DOCS_SUMMARY, markdown };
}
