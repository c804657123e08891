import { tmpdir } from "node:os";
import * as z from "zod";
import { type Provider, providerNames } from "#graph/profile.ts";
import { type TicketVerificationKey, verificationKeysText } from "#wire/function/ticket-keys.ts";
import { type FleetConfig, fleetConfigOf, fleetVariables } from "./fleet/fleet-config.ts";
import type { CudaSettings } from "./runtime/cuda/cuda-runtime.ts";
import { cudaEnvironment, cudaSettings } from "./runtime/cuda/cuda-settings.ts";
import { withSecretFiles } from "./secret-files.ts";
import { type StoreConfig, storeEnvironment } from "./store-config.ts";

/**
 * Everything that a function is told from outside, read once at the start. Names and defaults stand in infra/docs/settings.md;
 * nothing else in this room reads the environment.
 */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly model: string;
  /** Absent: whatever `latest.json` names at the start. */
  readonly modelVersion?: string;
  readonly provider: Provider;
  /** Present exactly if the provider is cuda. */
  readonly cuda?: CudaSettings;
  /** Absent: as many as the machine has cores. */
  readonly threads?: number;
  readonly store: StoreConfig;
  /** Public Ed25519 keys (JWK with `kid`) of the edges whose tickets are taken. */
  readonly ticketKeys: readonly TicketVerificationKey[];
  /** Answers that run at once: their passes take turns, one at a time. */
  readonly answersAtOnce: number;
  readonly queueLength: number;
  /** A disk cache of verified shards; absent: none. */
  readonly shardCache?: { readonly folder: string; readonly maxBytes: number };
  /** Bytes that all answers together may keep of their prompts between passes; longer prompts are answered in mode `exact` alone. */
  readonly prefixBytes: number;
  /** The most that pictures' features take in memory between questions. */
  readonly featureBytes: number;
  /** Folder on a disk for what need not be in memory. */
  readonly scratch: string;
  /** From being asked to end until every connection is closed: what runs then is cut off, and an edge sends it elsewhere. */
  readonly drainTimeoutMs: number;
  /** What `GET /metrics` asks for as a bearer token. Absent: it is served where nothing but this machine can reach it. */
  readonly metricsToken?: string;
  /** With which edges it registers; absent: it waits to be asked. */
  readonly fleet?: FleetConfig;
  /** Why nobody may reach this process where somebody seems to want to; absent: nothing speaks for it. */
  readonly hint?: string;
  /** Also fetch from http, any port, and addresses of this machine and its networks: for tests and a stack on loopback only. */
  readonly allowsPrivateFetch: boolean;
  /** Ports of this machine that are never fetched from or delivered to: those of the system itself. */
  readonly forbiddenFetchPorts: readonly number[];
}

/** What the fetch hop is told from outside: as much of the function's as reaching other hosts takes. */
export type FetchConfig = Pick<
  Config,
  | "host"
  | "port"
  | "ticketKeys"
  | "drainTimeoutMs"
  | "metricsToken"
  | "hint"
  | "allowsPrivateFetch"
  | "forbiddenFetchPorts"
>;

/**
 * Vectors of 8B take 16 KiB each: 256 MiB hold 22 pictures of `low` detail, or 4 of the largest. It is the memory of the questions
 * that follow each other about one picture, and 5 % of a q4 model's.
 */
const DEFAULT_FEATURE_BYTES: number = 256 * 1024 * 1024;

/**
 * Kubernetes tells every container of a namespace the Services there as variables: one that is named `unmask` sets `UNMASK_PORT` to
 * an address.
 */
const port = z
  .string()
  .regex(
    /^\d{1,5}$/,
    "is no port; where a Kubernetes Service named `unmask` sets it, say enableServiceLinks: false",
  )
  .transform(Number)
  .pipe(z.int().max(65_535))
  .optional();

/** Threat: a token that is tried out. 16 characters of a random alphabet are beyond trying. */
const MIN_METRICS_TOKEN_LENGTH = 16;

/** What both entries need. */
const shared = {
  UNMASK_PORT: port,
  /** What hosts of containers say: Cloud Run, Knative, RunPod and others. `UNMASK_PORT` wins. */
  PORT: port,
  /** Where RunPod asks how we are; the port that we listen at unless it says otherwise. */
  PORT_HEALTH: port,
  UNMASK_HOST: z.string().default("127.0.0.1"),
  UNMASK_TICKET_KEYS: verificationKeysText,
  UNMASK_FETCH_PRIVATE: z.enum(["refuse", "allow"]).default("refuse"),
  UNMASK_FETCH_FORBIDDEN: z
    .string()
    .default("")
    .transform((list) => list.split(",").filter((port) => port.trim() !== ""))
    .pipe(z.array(z.coerce.number<string>().int().min(1).max(65_535))),
  UNMASK_DRAIN_TIMEOUT_MS: z.coerce.number().int().min(0).default(25_000),
  UNMASK_METRICS_TOKEN: z.string().min(MIN_METRICS_TOKEN_LENGTH).optional(),
};

const FUNCTION_PORT = 8788;
const FETCH_HOP_PORT = 8789;

const fetchEnvironment = z.object(shared);

const settings = z.object({
  UNMASK_MODEL: z.string().default("unmask-demo"),
  UNMASK_MODEL_VERSION: z.string().optional(),
  UNMASK_PROVIDER: z.enum(providerNames).default("cpu"),
  ...cudaEnvironment,
  UNMASK_THREADS: z.coerce.number().int().min(1).max(256).optional(),
  UNMASK_ANSWERS_AT_ONCE: z.coerce.number().int().min(1).max(64).default(4),
  UNMASK_QUEUE_LENGTH: z.coerce.number().int().min(0).max(10_000).default(16),
  // Every picture question of an 8B model: 3,627 vectors and 400 positions of text at 1.065 MB each.
  UNMASK_PREFIX_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .default(4 * 1024 ** 3),
  UNMASK_SHARD_CACHE: z.string().optional(),
  UNMASK_SHARD_CACHE_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .default(32 * 1024 ** 3),
  UNMASK_FEATURE_BYTES: z.coerce.number().int().min(0).default(DEFAULT_FEATURE_BYTES),
  UNMASK_SCRATCH: z.string().optional(),
  ...fleetVariables,
  ...shared,
});

const environment = z.intersection(settings, storeEnvironment);

/** Turns environment variables into a Config. Throws an Error that names every variable that is missing or wrong. */
export function parseConfig(told: Readonly<Record<string, string | undefined>>): Config {
  const variables = withSecretFiles(told);
  const values = valuesOf(environment, variables, "the function");
  const fleet = fleetConfigOf(values);
  return {
    ...fetchConfigOf(values, FUNCTION_PORT),
    model: values.UNMASK_MODEL,
    ...(values.UNMASK_MODEL_VERSION === undefined
      ? {}
      : { modelVersion: values.UNMASK_MODEL_VERSION }),
    provider: values.UNMASK_PROVIDER,
    ...(values.UNMASK_PROVIDER === "cuda" ? { cuda: cudaSettings(values, variables) } : {}),
    ...(values.UNMASK_THREADS === undefined ? {} : { threads: values.UNMASK_THREADS }),
    store: values.store,
    answersAtOnce: values.UNMASK_ANSWERS_AT_ONCE,
    queueLength: values.UNMASK_QUEUE_LENGTH,
    ...(fleet === undefined ? {} : { fleet }),
    prefixBytes: values.UNMASK_PREFIX_BYTES,
    featureBytes: values.UNMASK_FEATURE_BYTES,
    scratch: values.UNMASK_SCRATCH ?? values.UNMASK_SHARD_CACHE ?? tmpdir(),
    ...(values.UNMASK_SHARD_CACHE === undefined
      ? {}
      : {
          shardCache: {
            folder: values.UNMASK_SHARD_CACHE,
            maxBytes: values.UNMASK_SHARD_CACHE_BYTES,
          },
        }),
  };
}

/** As `parseConfig`, for the fetch hop. */
export function parseFetchConfig(
  variables: Readonly<Record<string, string | undefined>>,
): FetchConfig {
  const values = valuesOf(fetchEnvironment, withSecretFiles(variables), "the fetch hop");
  return fetchConfigOf(values, FETCH_HOP_PORT);
}

function valuesOf<Values>(
  schema: z.ZodType<Values>,
  variables: Readonly<Record<string, string | undefined>>,
  what: string,
): Values {
  // Where both are said, what stands in `PORT` is for somebody else: it may be anything.
  const { UNMASK_PORT: own, PORT: hosts } = variables;
  const parsed = schema.safeParse({ ...variables, PORT: own === undefined ? hosts : undefined });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `  ${issue.path.join(".")}: ${issue.message}`,
  );
  throw new Error(`${what} cannot start with this environment:\n${problems.join("\n")}`);
}

function fetchConfigOf(
  values: z.output<typeof fetchEnvironment>,
  defaultPort: number,
): FetchConfig {
  const { UNMASK_HOST: host, UNMASK_METRICS_TOKEN: metricsToken } = values;
  const port = values.UNMASK_PORT ?? values.PORT ?? defaultPort;
  if (values.PORT_HEALTH !== undefined && values.PORT_HEALTH !== port)
    throw new Error(
      `PORT_HEALTH is ${values.PORT_HEALTH}, where nobody would answer: everything is served at ${port}; set both to the same`,
    );
  return {
    host,
    port,
    ticketKeys: values.UNMASK_TICKET_KEYS,
    drainTimeoutMs: values.UNMASK_DRAIN_TIMEOUT_MS,
    ...(metricsToken === undefined ? {} : { metricsToken }),
    ...(values.PORT === undefined || !isLoopback(host)
      ? {}
      : {
          hint: `PORT is set, as by a host of containers, but ${host} is reached from here alone: set UNMASK_HOST=0.0.0.0`,
        }),
    allowsPrivateFetch: values.UNMASK_FETCH_PRIVATE === "allow",
    forbiddenFetchPorts: values.UNMASK_FETCH_FORBIDDEN,
  };
}

/** Whether nothing but this machine reaches what listens there. */
export function isLoopback(host: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|localhost|::1)$/.test(host);
}
