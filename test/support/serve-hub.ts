// Serves the stand-in hub until it is stopped: for trying `--model GSAI-ML/LLaDA-V` where there is no network, with a
// checkpoint whose answers are known.
//
//   npm run node -- test/support/serve-hub.ts [--port N]

import { once } from "node:events";
import { parseArgs } from "node:util";
import { STAND_IN_TOKEN, type StandInRepository } from "./hub-replies.ts";
import { publishedLlada, publishedLladaV, referenceLladaV } from "./published-checkpoint.ts";
import { startStandInHub } from "./stand-in-hub.ts";

/** What the hub has. `LLaDA-V` is the reference's tiny checkpoint; its branch `bf16` has the published vocabulary and number format. */
export function standInRepositories(): Record<string, StandInRepository> {
  return {
    "GSAI-ML/LLaDA-V": { revisions: { main: referenceLladaV(), bf16: publishedLladaV() } },
    "GSAI-ML/LLaDA-8B-Instruct": { revisions: { main: publishedLlada("LLaDA-8B-Instruct") } },
    "GSAI-ML/LLaDA-1.5": { revisions: { main: publishedLlada("LLaDA-1.5") } },
    "stand-in/gated": { access: "gated", revisions: { main: referenceLladaV() } },
    "stand-in/private": { access: "private", revisions: { main: referenceLladaV() } },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "0" } } });
  const hub = await startStandInHub(standInRepositories(), Number(values.port));
  process.stdout.write(`export HF_ENDPOINT=${hub.origin}\n`);
  process.stderr.write(
    `${Object.keys(standInRepositories()).join(", ")}; the token that opens all is ${STAND_IN_TOKEN}. Ctrl-C ends it.\n`,
  );
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  await hub.close();
}
