import path from "node:path";
import { imageVariables } from "../../../container/dockerfile.ts";
import type { Service } from "./compose-file.ts";
import type { Place } from "./places.ts";

/** A service as a process of this machine. */
export interface Program {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** Asks whether it is well; null: nothing is to be asked. An address is asked by us, a command is run. */
  readonly probe: { readonly url: string } | { readonly command: readonly string[] } | null;
}

/** What the stand-in for the object storage serves S3 below. */
const STAND_IN_PATH = "/cdn-cgi/local/r2/s3";

/**
 * What a service runs here: of our own images Node with the same arguments, of the object storage's its stand-in. Throws where an
 * image is neither.
 */
export function programOf(service: Service, { port, here }: Place): Program {
  const { image } = service;
  if (image.startsWith("chrislusf/seaweedfs:")) return standIn(service, port, here);
  const target = /^unmask:([a-z]+)$/.exec(image)?.[1];
  if (target === undefined)
    throw new Error(`${service.name}: nothing here stands for the image ${image}`);
  const environment = {
    ...imageVariables(target),
    // As a host sets what it maps: the port that the file says is this one here.
    ...service.environment,
    UNMASK_PORT: String(port),
    TMPDIR: here("/tmp"),
  };
  const throughStandIn = ([name, value]: readonly [string, string]): [string, string] => [
    name,
    name === "UNMASK_S3_ENDPOINT" ? `${here(value)}${STAND_IN_PATH}` : here(value),
  ];
  const [, ...probe] = service.healthcheck?.test ?? [];
  return {
    command: [process.execPath, ...service.command.map(here)],
    environment: Object.fromEntries(Object.entries(environment).map(throughStandIn)),
    probe: service.healthcheck === null ? null : { command: probe.map(here) },
  };
}

function standIn(service: Service, port: number, here: Place["here"]): Program {
  const secrets = here("/run/unmask/storage");
  const reader = path.join(path.dirname(secrets), "function-secrets");
  return {
    command: [
      ...([process.execPath, path.join(import.meta.dirname, "storage.ts")] as const),
      ...[String(port), reader, secrets, here("/data"), "unmask-weights"],
    ],
    environment: { TMPDIR: here("/tmp") },
    probe: service.healthcheck === null ? null : { url: `http://127.0.0.1:${port}` },
  };
}
