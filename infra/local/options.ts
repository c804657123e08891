import { parseArgs } from "node:util";
import { type FormValues, readBlock, readFormat } from "#cli/convert/form.ts";
import { SOURCE_FORMS } from "#cli/models/source.ts";
import { type Provider, providerNames } from "#graph/profile.ts";
import type { StorageForm } from "#weights/format-choice.ts";

export const HELP: string = `Starts Unmask on this machine, on loopback only: the edge (a Worker) with its object storage, and an inference
function for each model; the demo model where none is named. Then asks a question, says how to ask your own, and runs until Ctrl-C.

Usage: npm start -- [options]

  --model SOURCE   what is served: ${SOURCE_FORMS},
                   with a checkpoint of Hugging Face's form or a bundle. A checkpoint is fetched, checked and converted once, and
                   found again; what it takes of disk and memory is told first. Several: give --model several times, the
                   first is the one of requests that name none
  --provider NAME  what computes: auto (with --model), cpu (the demo), cuda, webgpu or wasm. auto takes the best that works here
                   and says what it passed over (npm run unmask -- doctor tells more)
  --format NAME    how weights are converted: auto (default: what this machine computes best of what fits), or a format of
                   npm run unmask -- convert --help; --block as there
  --name NAME      what the model is called in requests (default: after its source); for one --model
  --refresh        asks the hub what the revision is by now, although a converted model of it is here
  --empty          opens no account and asks nothing: what unmask backup restore is given to fill
  --port N         port of the API (default 8787; 0 takes any free one)
  --json           for programs: one JSON line {url, key, admin_key, model, models} on stdout when ready, all else on stderr
  --help           this text

  npm start -- --model GSAI-ML/LLaDA-V
  npm start -- --model ./my-checkpoint --provider cpu --format f32

A gated repository needs HF_TOKEN; HF_ENDPOINT names a mirror. Converted models lie in the user's cache folder (UNMASK_MODELS).
Variables of the function (UNMASK_THREADS, UNMASK_PREFIX_BYTES, …: infra/docs/settings.md) are handed on to it.
State, logs and the local keys lie in .unmask/ (UNMASK_STATE); delete that folder to begin anew.
`;

export interface Options {
  /** 0 takes any free one. */
  readonly port: number;
  readonly isForPrograms: boolean;
  /** Sources of the models; empty for the demo. */
  readonly models: readonly string[];
  readonly provider: Provider | "auto";
  readonly format: StorageForm | "auto";
  readonly name?: string;
  readonly refresh: boolean;
  /** No account is opened. */
  readonly isEmpty: boolean;
}

/** Reads the command line. Throws an Error that says what may stand there. */
export function parseOptions(args: readonly string[]): Options | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "8787" },
      json: { type: "boolean", default: false },
      model: { type: "string", multiple: true, default: [] },
      provider: { type: "string" },
      format: { type: "string" },
      block: { type: "string" },
      name: { type: "string" },
      refresh: { type: "boolean", default: false },
      empty: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const { model: models, name, refresh } = values;
  if (models.length === 0 && (name ?? values.format ?? values.block) !== undefined)
    throw new Error("--name, --format and --block are of a --model; the demo model is as it is");
  if (models.length !== 1 && name !== undefined)
    throw new Error("--name names one model: start others without it");
  // The demo answers in a thirtieth of a second on a processor: to look for a card would take longer than all its answers.
  const provider = readProvider(values.provider ?? (models.length === 0 ? "cpu" : "auto"));
  return {
    port: readPort(values.port),
    isForPrograms: values.json,
    models,
    provider,
    refresh,
    isEmpty: values.empty,
    format: readForm(values),
    ...(name === undefined ? {} : { name }),
  };
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new Error(`--port takes a number from 0 to 65535, not "${text}"`);
}

function readProvider(text: string): Provider | "auto" {
  const names = ["auto", ...providerNames] as const;
  const provider = names.find((name) => name === text);
  if (provider === undefined)
    throw new Error(`--provider is one of ${names.join(", ")}, not "${text}"`);
  return provider;
}

function readForm({ format = "auto", block }: FormValues): StorageForm | "auto" {
  if (format === "auto" && block === undefined) return "auto";
  if (format === "auto") throw new Error("--block is for --format q4");
  const known = readFormat(format);
  return block === undefined
    ? { format: known }
    : { format: known, block: readBlock(known, block) };
}
