// Starts the services of compose.yaml as processes of this machine, where there is no Docker, until Ctrl-C.
//   npm run node -- infra/deploy/compose/here/main.ts [FOLDER]      (its state; .unmask/compose unless said)

import { readFileSync } from "node:fs";
import path from "node:path";
import { buildEdge } from "../../../edge/workerd/build.ts";
import { readCompose } from "./compose-file.ts";
import { up } from "./up.ts";

const say = (words: string): void => void process.stderr.write(`compose: ${words}\n`);
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => stopping.abort(signal));

const [state = ".unmask/compose"] = process.argv.slice(2);
process.umask(0o077);
say("the edge is built …");
const built = path.join(state, "built");
await buildEdge(built, stopping.signal);
const services = readCompose(
  readFileSync("infra/deploy/compose/compose.yaml", "utf8"),
  process.env,
);
await using topology = await up({ services, state, built, say, signal: stopping.signal });
for (const { name, url, pid } of topology.services.values()) say(`${name} ${url} process ${pid()}`);
say(
  `the API is at ${topology.url}; the administrator's key is in ${topology.volume("edge-secrets")}/admin-key`,
);
await new Promise((resolve) => stopping.signal.addEventListener("abort", resolve, { once: true }));
say("stopping …");
