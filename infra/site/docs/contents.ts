import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { errorPages } from "./errors/error-pages.ts";
import { type DocsPage, type DocsSection, documentPage } from "./page.ts";
import type { Description } from "./reference/description.ts";
import { referencePages } from "./reference/reference-pages.ts";

const DOCUMENTS = "infra/docs";

/** Documents by section, in the order in which they are read: address within `/docs`, and file. */
const named = {
  quickstarts: [
    ["quickstarts/ask", "infra/docs/guides/ask.md"],
    ["quickstarts/decide", "infra/docs/guides/decide.md"],
    ["quickstarts/structured-output", "infra/docs/guides/structured-output.md"],
    ["quickstarts/watch", "infra/docs/guides/watch.md"],
    ["quickstarts/read", "infra/docs/guides/read.md"],
    ["quickstarts/come-back-later", "infra/docs/guides/come-back-later.md"],
    ["quickstarts/webhooks", "infra/docs/guides/webhooks.md"],
    ["quickstarts/upload-once", "infra/docs/guides/upload-once.md"],
    ["quickstarts/phones", "infra/docs/guides/phones.md"],
    ["quickstarts/sell", "infra/docs/guides/sell.md"],
    ["quickstarts/self-host", "infra/docs/guides/self-host.md"],
    ["playground", "infra/docs/guides/playground.md"],
    ["dashboard", "infra/docs/guides/dashboard.md"],
  ],
  migrate: [
    ["quickstarts/from-openai", "infra/docs/guides/from-openai.md"],
    ["quickstarts/from-moondream", "infra/docs/guides/from-moondream.md"],
    ["quickstarts/from-replicate", "infra/docs/guides/from-replicate.md"],
  ],
  money: [
    ["prices", "infra/docs/guides/prices.md"],
    ["model-card", "infra/demo-model/photographs/MODEL_CARD.md"],
    ["model-card-drawings", "infra/demo-model/MODEL_CARD.md"],
    ["eval", "infra/docs/guides/eval.md"],
    ["figures", "infra/docs/figures.md"],
    ["guarantees", "infra/docs/guarantees.md"],
    ["privacy", "infra/docs/privacy.md"],
  ],
  operate: [
    ["serve", "infra/docs/serve.md"],
    ["providers", "infra/docs/providers.md"],
    ["settings", "infra/docs/settings.md"],
    ["buckets", "infra/storage/README.md"],
    ["architecture", "infra/docs/architecture.md"],
    ["sessions", "infra/docs/sessions.md"],
    ["scale", "infra/docs/scale.md"],
    ["deploy", "infra/docs/deploy.md"],
    ["places", "infra/docs/places.md"],
    ["fleet", "infra/docs/fleet.md"],
    ["fleet-simulation", "infra/docs/fleet-simulation.md"],
    ["operations", "infra/docs/operations.md"],
    ["runbook", "infra/docs/runbook.md"],
    ["backup", "infra/docs/backup.md"],
  ],
  about: [
    ["changelog", "infra/docs/changelog.md"],
    ["api-versions", "infra/docs/api-versions.md"],
    ["glossary", "infra/docs/glossary.md"],
    ["facts", "infra/docs/facts.md"],
    ["how-to", "infra/docs/how-to.md"],
    ["decisions", "infra/docs/decisions/README.md"],
  ],
} as const satisfies Readonly<Record<string, readonly (readonly [string, string])[]>>;

/** Every page of the documentation but the first, by section. */
export function sectionsOf(root: string, description: Description): readonly DocsSection[] {
  const read = ([address, file]: readonly [string, string]): DocsPage =>
    documentPage(`/docs/${address}`, file, readFileSync(path.join(root, file), "utf8"));
  const reference = referencePages(description);
  const errors = errorPages();
  return [
    { title: "Quickstarts", pages: named.quickstarts.map(read) },
    { title: "Coming from elsewhere", pages: named.migrate.map(read) },
    { title: "Prices and quality", pages: named.money.map(read) },
    { title: "Reference", pages: [reference.overview], groups: reference.groups },
    {
      title: "Errors",
      pages: [errors.overview],
      groups: [{ title: "Codes", pages: errors.pages }],
    },
    { title: "Run it", pages: named.operate.map(read) },
    {
      title: "About",
      pages: [...named.about.map(read), ...unnamed(root).map(read)],
      groups: [{ title: "Decisions", pages: decisions(root).map(read) }],
    },
  ];
}

/** Documents that nobody has put into a section yet: they are pages all the same. */
function unnamed(root: string): readonly (readonly [string, string])[] {
  const known = new Set(
    Object.values(named).flatMap((some) => some.map(([, file]) => file as string)),
  );
  return ["", "guides"].flatMap((folder) =>
    documentsIn(root, folder)
      .filter((file) => !known.has(file))
      .map((file) => [path.basename(file, ".md"), file] as const),
  );
}

function decisions(root: string): readonly (readonly [string, string])[] {
  return documentsIn(root, "decisions")
    .filter((file) => !file.endsWith("README.md"))
    .map((file) => [`decisions/${path.basename(file, ".md")}`, file] as const);
}

function documentsIn(root: string, folder: string): readonly string[] {
  const within = path.posix.join(DOCUMENTS, folder);
  return readdirSync(path.join(root, within))
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => path.posix.join(within, name));
}

/** All pages of a section, in the order of the contents. */
export function pagesOf({ pages, groups = [] }: DocsSection): readonly DocsPage[] {
  return [...pages, ...groups.flatMap((group) => group.pages)];
}
