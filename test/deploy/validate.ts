// What `npm run check` runs of the manifests: each against the strict schema of its kind, by name. Rules of ours, beside the schemas,
// are tests (manifests.test.ts, compose.test.ts).

import { readFileSync } from "node:fs";
import { COMPOSE_FILE, composeComplaints, GPU_FILE, readComposeFile } from "./compose.ts";
import { complaintsAbout, readManifests } from "./manifests.ts";

const found = [
  ...readManifests().map((one) => ({
    what: `${one.file}: ${one.kind.split("/").at(-1)} ${one.name}`,
    complaints: complaintsAbout(one),
  })),
  ...[COMPOSE_FILE, GPU_FILE].map((file) => ({
    what: file.replace("infra/deploy/", ""),
    complaints: composeComplaints(readComposeFile(readFileSync(file, "utf8"))),
  })),
];
for (const { what, complaints } of found)
  console.log(
    [`${complaints.length === 0 ? "valid" : "NOT VALID"}  ${what}`, ...complaints].join("\n    "),
  );
if (found.some(({ complaints }) => complaints.length > 0)) process.exitCode = 1;
