import { readFileSync } from "node:fs";
import path from "node:path";
import { shell } from "./shell.ts";
import type { Site, SiteFile } from "./site.ts";

/** Pictures to begin with, of those that the demo model's answers are tested on: photographs (CC0) and drawings (Noto Emoji, Apache-2.0). */
const samples: readonly string[] = [
  "test/fixtures/photographs/cat.jpg",
  "test/fixtures/photographs/cup.jpg",
  "test/fixtures/pictures/apple-and-guitar.png",
  "test/fixtures/pictures/dog-and-bus.png",
  "test/fixtures/pictures/dog.png",
];

const NOTICE = "infra/demo-model/NOTICE.demo-model";

/** What its files are made of beside the site's own sources: files of the repository. */
export const playgroundInputs: readonly string[] = [...samples, NOTICE];

/** The page `/`: what is said before the script has come, and what it needs. */
export function playgroundFiles(root: string, site: Site): readonly SiteFile[] {
  const page = shell(
    {
      title: "Unmask — ask a picture, watch the whole answer appear",
      description:
        "A diffusion model does not write word after word: the whole answer unmasks at once, the surest words first. Ask a picture and watch.",
      path: "/",
      main: `<div id="playground"><p class="loading">The playground is on its way. It needs JavaScript; the API does not: <a href="/docs">the documentation</a> shows how to ask from a terminal.</p></div>`,
      styles: ["playground.css"],
      scripts: ["playground.js"],
    },
    site,
  );
  return [
    { path: "index.html", content: page },
    { path: "licences.txt", content: licences(root) },
    ...samples.map((file) => ({
      path: `samples/${path.basename(file)}`,
      content: readFileSync(path.join(root, file)),
    })),
  ];
}

/** What the scripts of the pages and of the worker that answers without sending are made of beside our own. */
const bundled = [
  "@huggingface/jinja",
  "@huggingface/tokenizers",
  "@noble/hashes",
  "fast-png",
  "fflate",
  "hono",
  "uplot",
  "zod",
];

/** The package brings no licence file. */
const ORT_NOTICE =
  "onnxruntime-web\n\nCopyright (c) Microsoft Corporation. MIT License: https://github.com/microsoft/onnxruntime/blob/main/LICENSE";

/** What the fonts' and libraries' licences ask to come along, and whose pictures the samples are. */
function licences(root: string): string {
  const fonts = ["inter", "newsreader"].map((name) =>
    readFileSync(path.join(root, "node_modules/@fontsource-variable", name, "LICENSE"), "utf8"),
  );
  const libraries = bundled.map(
    (name) =>
      `${name}\n\n${readFileSync(path.join(root, "node_modules", name, "LICENSE"), "utf8")}`,
  );
  const notice = readFileSync(path.join(root, NOTICE), "utf8");
  return [...fonts, ...libraries, ORT_NOTICE, `Sample pictures\n\n${notice}`].join("\n\n---\n\n");
}
