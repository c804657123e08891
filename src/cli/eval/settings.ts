import { type AnswerMode, answerModes } from "#domain/modes.ts";
import { engineProviders } from "#inference/runtime/node-engine.ts";
import { type CommandIo, parseArguments, UsageError } from "../command.ts";
import { ENDPOINT_OPTIONS, endpointOf, writtenEndpoints } from "./against.ts";
import type { Endpoint } from "./answering/endpoint.ts";
import { type ChoiceForm, choiceForms } from "./columns.ts";
import { PRESETS, type Preset } from "./files/presets.ts";
import { type ColumnMap, ROLES } from "./files/recognise.ts";
import { METRICS, type Metric } from "./scoring/metrics.ts";

/** What holds for a question that says nothing itself. */
export interface TaskDefaults {
  readonly preset: Preset | undefined;
  readonly canvases: readonly number[];
  readonly model: string | undefined;
}

/** The arguments of `eval`, checked. */
export interface EvalSettings extends TaskDefaults {
  readonly file: string;
  readonly metric: Metric;
  readonly map: ColumnMap;
  /** Absent: the file's folder. */
  readonly pictures: string | undefined;
  readonly keepPictures: string | undefined;
  readonly skipsFaulty: boolean;
  readonly ignoresUnread: boolean;
  /** Each empty for the model's or the question's own. */
  readonly modes: readonly AnswerMode[];
  readonly steps: readonly number[];
  readonly choices: readonly ChoiceForm[];
  readonly refresh: number | undefined;
  readonly against: readonly Endpoint[];
  readonly onlyAgainst: boolean;
  readonly families: readonly string[];
  readonly limit: number;
  readonly engine: "api" | "local";
  readonly bundle: string | undefined;
  readonly version: string | undefined;
  readonly provider: (typeof engineProviders)[number];
  readonly threads: number | undefined;
  readonly concurrency: number;
  readonly usesCache: boolean;
  readonly out: string | undefined;
  readonly resumes: boolean;
  readonly baseline: string | undefined;
  readonly html: string | undefined;
  /** What a reader of the report must know beside its figures. */
  readonly note: string | undefined;
  readonly seed: number;
  readonly isJson: boolean;
  readonly url: string | undefined;
  readonly key: string | undefined;
}

/** More on their way at once fill the service's queue and memory here, and answer no sooner. */
const MAX_CONCURRENCY = 64;

/** Reads the arguments. Throws UsageError. */
export function readSettings(args: readonly string[], env: CommandIo["env"]): EvalSettings {
  const { values, positionals, tokens } = parse(args);
  const [file, ...rest] = positionals;
  if (file === undefined || rest.length > 0)
    throw new UsageError("eval takes one test set: unmask eval questions.jsonl");
  const { endpoints, ownModel } = writtenEndpoints(
    tokens.flatMap((token) => (token.kind === "option" ? [token] : [])),
  );
  const onlyAgainst = values["only-against"] === true;
  if (onlyAgainst && endpoints.length === 0)
    throw new UsageError("--only-against leaves nobody to ask: name others with --against");
  const engine = oneOf("--engine", values.engine ?? "api", ["api", "local"]);
  if (engine === "local" && values.bundle === undefined)
    throw new UsageError("--engine local needs --bundle, such as infra/demo-model/bundle");
  const concurrency = whole("--concurrency", values.concurrency) ?? 1;
  const isAlone = engine === "local" && endpoints.length === 0;
  if (concurrency > MAX_CONCURRENCY || (isAlone && concurrency > 1))
    throw new UsageError(`--concurrency is at most ${MAX_CONCURRENCY}, and 1 for a local engine`);
  if (values.resume === true && values.out === undefined)
    throw new UsageError("--resume needs --out, the file to go on with");
  const preset = presetOf(values.preset);
  return {
    file,
    preset,
    metric: oneOf("--metric", values.metric ?? preset?.metric ?? "exact", METRICS),
    map: { ...preset?.map, ...mapOf(values.map ?? []) },
    pictures: values.pictures,
    keepPictures: values["keep-pictures"],
    skipsFaulty: values["skip-faulty"] === true,
    ignoresUnread: values["ignore-unread"] === true,
    modes: list(values.modes ?? values.mode).map((mode) => oneOf("--mode", mode, answerModes)),
    canvases: list(values.canvas).flatMap((text) => whole("--canvas", text) ?? []),
    steps: list(values.steps).flatMap((text) => whole("--steps", text) ?? []),
    choices: list(values.choices).map((form) => oneOf("--choices", form, choiceForms)),
    refresh: whole("--refresh", values.refresh),
    against: endpoints.map((written) => endpointOf(written, env)),
    onlyAgainst,
    families: list(values.families),
    limit: whole("--limit", values.limit) ?? Number.POSITIVE_INFINITY,
    engine,
    bundle: values.bundle,
    version: values.version,
    provider: oneOf("--provider", values.provider ?? "cpu", engineProviders),
    threads: whole("--threads", values.threads),
    model: ownModel,
    concurrency,
    usesCache: values.cache === true,
    out: values.out,
    resumes: values.resume === true,
    baseline: values.baseline,
    html: values.html,
    note: values.note,
    seed: whole("--seed", values.seed, 0) ?? 0,
    isJson: values.json === true,
    url: values.url,
    key: values.key,
  };
}

const text = { type: "string" } as const;
const texts = { type: "string", multiple: true } as const;
const flag = { type: "boolean" } as const;

function parse(args: readonly string[]) {
  return parseArguments({
    args: [...args],
    allowPositionals: true,
    tokens: true,
    options: {
      ...ENDPOINT_OPTIONS,
      against: texts,
      "only-against": flag,
      metric: text,
      preset: text,
      map: texts,
      pictures: text,
      "keep-pictures": text,
      "skip-faulty": flag,
      canvas: text,
      steps: text,
      mode: text,
      modes: text,
      choices: text,
      refresh: text,
      families: text,
      limit: text,
      engine: text,
      bundle: text,
      version: text,
      provider: text,
      threads: text,
      concurrency: text,
      cache: flag,
      out: text,
      resume: flag,
      baseline: text,
      html: text,
      note: text,
      seed: text,
      json: flag,
      "ignore-unread": flag,
      url: text,
      key: text,
    },
  });
}

function presetOf(name: string | undefined): Preset | undefined {
  if (name === undefined) return undefined;
  const known = PRESETS.map((preset) => preset.name);
  return PRESETS.find((preset) => preset.name === oneOf("--preset", name, known));
}

/** Reads `question=query` or `image=left,right`. */
function mapOf(written: readonly string[]): ColumnMap {
  return Object.fromEntries(
    written.map((text) => {
      const [, role = "", names = ""] = /^([a-z]+)=(.+)$/.exec(text) ?? [];
      if (names === "")
        throw new UsageError(
          `--map takes a part of a question and its column, such as question=query`,
        );
      return [oneOf("--map", role, ROLES), list(names)];
    }),
  );
}

function list(text: string | undefined): readonly string[] {
  return text?.split(",").map((part) => part.trim()) ?? [];
}

function oneOf<Name extends string>(option: string, text: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === text);
  if (found === undefined) throw new UsageError(`${option} is one of ${names.join(", ")}`);
  return found;
}

function whole(option: string, text: string | undefined, least = 1): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!/^[0-9]{1,9}$/.test(text) || number < least)
    throw new UsageError(`${option} takes whole numbers from ${least}`);
  return number;
}
