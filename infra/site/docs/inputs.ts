/** What the documentation is made of beside the site's own sources: files and folders of the repository. */
export const docsInputs: readonly string[] = [
  "infra/docs",
  "infra/storage/README.md",
  "infra/demo-model/MODEL_CARD.md",
  "infra/demo-model/examples.png",
  "infra/demo-model/risk-coverage.svg",
  "infra/demo-model/bundle/models",
  "infra/demo-model/photographs/bundle/models",
  "infra/demo-model/photographs/MODEL_CARD.md",
  "infra/demo-model/photographs/sheet.jpg",
  "src/edge",
  "src/weights",
  "wrangler.toml",
];
