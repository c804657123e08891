import { mkdirSync } from "node:fs";
import path from "node:path";
import { freePorts, LOOPBACK } from "../../../local/ports.ts";
import type { Service } from "./compose-file.ts";

/** Where a service stands on this machine: what is a host's name, a port and a mount there is a port and a folder here. */
export interface Place {
  /** The port at which it listens, here. */
  readonly port: number;
  /** A string of the compose file as it is meant here. */
  readonly here: (text: string) => string;
}

/** Finds a port for every service and a folder for every volume. `built`: where what `/app/edge` is in the image lies here. */
export async function findPlaces(
  services: readonly Service[],
  state: string,
  built: string,
): Promise<ReadonlyMap<string, Place>> {
  const free = await freePorts(services.length);
  const ports = new Map(services.map(({ name }, index) => [name, free[index] ?? 0]));
  const addresses = services.map(({ name }): [RegExp, string] => [
    new RegExp(`(?<=//)${name}:\\d+`, "g"),
    `${LOOPBACK}:${ports.get(name)}`,
  ]);
  return new Map(
    services.map((service) => {
      const port = ports.get(service.name) ?? 0;
      const own: readonly [RegExp, string][] = [
        [/(?<=\/\/)127\.0\.0\.1:\d+/g, `${LOOPBACK}:${port}`],
        ...foldersOf(service, state),
        [/^\/tmp$/, folder(path.join(state, "tmp", service.name))],
        [/^\/app\/edge(?=\/|$)/, built],
        [/^\/app\//, `${process.cwd()}/`],
        [/^0\.0\.0\.0$/, LOOPBACK],
      ];
      const here = (text: string): string =>
        // Its own address first: those of others are at this machine's too once they are put in.
        [...own, ...addresses].reduce((so, [what, by]) => so.replace(what, by), text);
      return [service.name, { port, here }];
    }),
  );
}

function foldersOf({ volumes }: Service, state: string): readonly [RegExp, string][] {
  return Object.entries(volumes).map(([target, source]) => [
    new RegExp(`^${target}(?=/|$)`),
    folder(path.join(state, "volumes", source)),
  ]);
}

function folder(name: string): string {
  const absolute = path.resolve(name);
  mkdirSync(absolute, { recursive: true, mode: 0o700 });
  return absolute;
}
