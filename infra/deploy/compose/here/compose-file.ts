import { parse } from "yaml";
import * as z from "zod";

/** When a service is there for those who need it. */
export type Condition = "service_started" | "service_healthy" | "service_completed_successfully";

/** A service of a compose file, as far as a process needs it. */
export interface Service {
  readonly name: string;
  readonly image: string;
  /** In place of the image's; null: the image's. */
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly dependsOn: Readonly<Record<string, Condition>>;
  readonly healthcheck: Healthcheck | null;
  /** Named volumes by where they are mounted. */
  readonly volumes: Readonly<Record<string, string>>;
  /** The port at which it is reached from outside, by the one at which it listens. */
  readonly publishes: number | null;
  /** Whether it is started anew when it ends. */
  readonly restarts: boolean;
  readonly graceMs: number;
}

export interface Healthcheck {
  /** The command, without the word CMD. */
  readonly test: readonly string[];
  readonly startIntervalMs: number;
  readonly startPeriodMs: number;
}

const words = z.array(z.string());
const duration = z.string().regex(/^\d+[smh]$/);
const serviceSchema = z.object({
  image: z.string(),
  entrypoint: words.nullable().default(null),
  command: words.default([]),
  environment: z.record(z.string(), z.string()).default({}),
  depends_on: z
    .record(
      z.string(),
      z.object({
        condition: z.enum(["service_started", "service_healthy", "service_completed_successfully"]),
      }),
    )
    .default({}),
  healthcheck: z
    .object({
      test: words,
      start_interval: duration.default("5s"),
      start_period: duration.default("0s"),
    })
    .nullable()
    .default(null),
  volumes: z.array(z.object({ source: z.string(), target: z.string() })).default([]),
  ports: words.max(1).default([]),
  restart: z.enum(["no", "unless-stopped"]).default("no"),
  stop_grace_period: duration.default("10s"),
});

const fileSchema = z.object({ services: z.record(z.string(), serviceSchema) });

/** Reads a compose file, with variables in `${NAME:-default}` put in. Throws where it says what no process can be started by. */
export function readCompose(
  text: string,
  variables: Readonly<Record<string, string | undefined>> = {},
): readonly Service[] {
  const filled = text.replaceAll(
    /\$\{([A-Z_0-9]+):-([^}]*)\}/g,
    (_, name: string, otherwise: string) => variables[name] ?? otherwise,
  );
  const { services } = fileSchema.parse(parse(filled, { merge: true }));
  return Object.entries(services).map(([name, one]) => ({
    name,
    ...{ image: one.image, entrypoint: one.entrypoint, command: one.command },
    environment: one.environment,
    dependsOn: Object.fromEntries(
      Object.entries(one.depends_on).map(([needed, { condition }]) => [needed, condition]),
    ),
    healthcheck:
      one.healthcheck === null
        ? null
        : {
            test: one.healthcheck.test.slice(1),
            startIntervalMs: milliseconds(one.healthcheck.start_interval),
            startPeriodMs: milliseconds(one.healthcheck.start_period),
          },
    volumes: Object.fromEntries(one.volumes.map(({ source, target }) => [target, source])),
    publishes: one.ports[0] === undefined ? null : Number(one.ports[0].split(":").at(-1)),
    restarts: one.restart === "unless-stopped",
    graceMs: milliseconds(one.stop_grace_period),
  }));
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

function milliseconds(told: string): number {
  return Number(told.slice(0, -1)) * (UNITS[told.slice(-1)] ?? 0);
}
