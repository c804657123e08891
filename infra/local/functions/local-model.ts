import { existsSync } from "node:fs";
import type { Reporter } from "#cli/convert/report.ts";
import { prepareModel } from "#cli/models/prepare.ts";
import type { PreparedModel } from "#cli/models/prepared-model.ts";
import type { Provider } from "#graph/profile.ts";
import { cardMemory } from "#inference/machine/card-memory.ts";
import { chooseProvider } from "#inference/machine/choose-provider.ts";
import type { Options } from "../options.ts";

/** A bundle that a function of the local system serves. */
export interface LocalModel {
  readonly name: string;
  /** Absent: whatever `latest.json` names. */
  readonly version?: string;
  readonly provider: Provider;
  /** Where the bundle lies: a folder, or `s3://bucket[/prefix]` at the endpoint of the environment. */
  readonly location: PreparedModel["location"];
  /** Of its weights. */
  readonly bytes: number;
  /** What it was made from, for people. */
  readonly source: string;
}

const DEMO_BUNDLE = "infra/demo-model/photographs/bundle";

const DEMO: Omit<LocalModel, "provider"> = {
  name: "unmask-demo",
  location: { kind: "folder", path: DEMO_BUNDLE },
  bytes: 7_200_000,
  source: DEMO_BUNDLE,
};

/**
 * Chooses what computes and brings every model into a bundle that can be served. Throws as `prepareModel` does, and an Error
 * where the provider that is asked for cannot run here or two models have one name.
 */
export async function prepareLocalModels(
  options: Options,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<readonly LocalModel[]> {
  const say = (words: string): void => reporter.says(`unmask: ${words}`);
  const provider = await providerOf(options, say, signal);
  if (options.models.length === 0) {
    if (!existsSync(DEMO_BUNDLE))
      throw new Error(`${DEMO_BUNDLE} is missing: this is no complete clone`);
    return [{ ...DEMO, provider }];
  }
  const deviceBytes = await cardMemory(provider, { env: process.env, signal });
  const models: LocalModel[] = [];
  for (const source of options.models) {
    const prepared = await prepareOne({
      source,
      provider,
      options,
      reporter,
      signal,
      ...(deviceBytes === undefined ? {} : { deviceBytes }),
    });
    const { name, version, location, bundle, from } = prepared;
    if (models.some((other) => other.name === name))
      throw new Error(
        `${source} is called ${name}, as a model before it is: start it by itself, with --name`,
      );
    const bytes = bundle.stages.reduce((sum, stage) => sum + stage.bytes, 0);
    const found = from === "converted" ? "" : ", found here";
    say(`${name}: ${prepared.source} in ${bundle.format}, ${gigabytes(bytes)}${found}`);
    models.push({ name, version, provider, location, bytes, source: prepared.source });
  }
  return models;
}

async function providerOf(
  { provider: wanted }: Options,
  say: (words: string) => void,
  signal: AbortSignal,
): Promise<Provider> {
  // Both are everywhere; the others are tried first.
  if (wanted === "cpu" || wanted === "wasm") return wanted;
  if (wanted === "auto") say("looking for what computes best here …");
  const choice = await chooseProvider({ wanted, env: process.env, signal });
  if (choice.kind === "refused")
    throw new Error(`provider ${choice.provider} cannot run here: ${choice.why}. ${choice.next}.`);
  for (const { provider, why, next } of choice.passedOver)
    say(`passed over: ${provider}: ${why}. ${next}.`);
  if (wanted === "auto") say(`provider ${choice.provider}`);
  return choice.provider;
}

async function prepareOne({
  source,
  provider,
  options: { format, name, refresh },
  reporter,
  signal,
  ...device
}: {
  readonly source: string;
  readonly provider: Provider;
  readonly options: Options;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly deviceBytes?: number;
}): Promise<PreparedModel> {
  return await prepareModel({
    ...device,
    source,
    provider,
    format,
    refresh,
    signal,
    env: process.env,
    // launch.js has left the folder in which the command was typed.
    cwd: process.env["INIT_CWD"] ?? process.cwd(),
    ...(name === undefined ? {} : { name }),
    onProgress: (told) =>
      told.kind === "says"
        ? reporter.says(`unmask: ${told.text}`)
        : reporter.progress(told.progress, `unmask: ${told.label}`),
  });
}

/** A size for people. */
export function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
