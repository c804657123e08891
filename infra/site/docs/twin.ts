import { withoutComments } from "./code-blocks.ts";
import { fileAddress, type Links } from "./links.ts";
import { type DocsPage, type DocsSection, twinOf } from "./page.ts";

/** A page as programs and models read it: its Markdown, with links to the twins of other pages. */
export function twinText(page: DocsPage, links: Links): string {
  const outside = outsideCode(withoutComments(page.markdown), (prose) =>
    prose.replace(
      /(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g,
      (whole, mark: string, text: string, href: string) => {
        const target = links.target(page, href);
        switch (target.kind) {
          case "page":
            return `${mark}[${text}](${twinOf(target.page.path)}${target.fragment})`;
          case "file":
            return `${mark}[${text}](${fileAddress(target.file)})`;
          case "source":
            return text;
          case "address":
            return whole;
          default:
            return target satisfies never;
        }
      },
    ),
  );
  return `${outside.trim()}\n`;
}

/** Changes what stands outside of fenced blocks. */
function outsideCode(markdown: string, change: (prose: string) => string): string {
  return markdown
    .split(/(^```[\s\S]*?^```$)/m)
    .map((piece) => (piece.startsWith("```") ? piece : change(piece)))
    .join("");
}

/** `llms.txt`: every page by its twin, with what it is about. Source: llmstxt.org. */
export function llmsText(sections: readonly DocsSection[], summary: string): string {
  const listed = sections.map(({ title, pages, groups = [] }) => {
    const all = [...pages, ...groups.flatMap((group) => group.pages)];
    return `## ${title}\n\n${all.map(entry).join("\n")}`;
  });
  return `# Unmask\n\n> ${summary}\n\nThe API is described at /openapi.json. Every page below is Markdown; without \`.md\` it is HTML. [All of them by what they are for](${twinOf("/docs")}).\n\n${listed.join("\n\n")}\n`;
}

function entry({ path, title, summary }: DocsPage): string {
  return `- [${title}](${twinOf(path)}): ${summary}`;
}
