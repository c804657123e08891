import type { Abilities } from "#domain/abilities.ts";
import type { SpecialTokens } from "#domain/architecture.ts";
import { createSha256 } from "#inference/sha256.ts";
import { storedBytes } from "#weights/bundle-writer.ts";
import { type Checkpoint, openCheckpoint } from "#weights/checkpoint/checkpoint.ts";
import {
  type ConvertOptions,
  encodeCheckpoint,
  type TensorReport,
} from "#weights/checkpoint/convert.ts";
import { SPECIAL_TOKEN_TEXTS } from "#weights/checkpoint/special-tokens.ts";
import type { StorageForm } from "#weights/format-choice.ts";
import { BUNDLE_NAME_RULE, isBundleName } from "#weights/manifest.ts";
import { needsOf } from "#weights/needs.ts";
import type { ObjectStore } from "#weights/object-store.ts";
import { type Command, type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
import { ABILITY_OPTIONS, abilityHelp, readAbilities } from "./convert/abilities.ts";
import { FORM_OPTIONS, formHelp, readForm } from "./convert/form.ts";
import { openTarget } from "./convert/location.ts";
import { readWord, WORD_OPTIONS, type WordFiles, wordHelp } from "./convert/makers-word.ts";
import { createReporter, type Reporter, retryTeller } from "./convert/report.ts";
import { checkTemplate } from "./convert/template.ts";
import { hubEndpoint, hubSettings } from "./models/hub-settings.ts";
import { type Machine, thisMachine } from "./models/machine.ts";
import { requireDisk } from "./models/needs.ts";
import { openModelSource } from "./models/open-source.ts";
import { readSource, sourceText } from "./models/source.ts";

/** Help text of `unmask convert`. */
export const CONVERT_USAGE: string = `unmask convert SOURCE --to TARGET --name NAME --version VERSION [--format FORMAT | --memory GB]

  Turns a Hugging Face checkpoint of LLaDA or LLaDA-V into a model bundle.
  After a stop, the same command goes on where it was.

  SOURCE      a hub id (org/name or org/name@revision, read with HF_TOKEN at HF_ENDPOINT), a folder, s3://bucket/prefix, or
              an https:// address with the files below it
  --to        a folder, or s3://bucket/prefix at UNMASK_S3_ENDPOINT
${formHelp(11)}
  --rotate    spread outliers of the residual stream over all channels: the same answers but for rounding; try it where
              eval finds that int8 or int4 costs answers
  --ids-only  the checkpoint has no tokenizer; questions will be token ids
  --special   ROLE=ID, repeatable: overrides the id of ${Object.keys(SPECIAL_TOKEN_TEXTS).join(", ")}
${abilityHelp(11)}
${wordHelp(11)}
`;

/** Runs `unmask convert` on this machine. */
export const convert: Command = (args, io) => convertOn(thisMachine())(args, io);

/**
 * Runs `unmask convert` on a machine. Prints one line per tensor that is stored to stdout (stage, name, encoding, largest error, RMS
 * error, RMS error over RMS of the source; tab-separated) and the bundle's digest last; progress goes to stderr.
 */
export function convertOn(machine: Machine): Command {
  return async (args, io) => {
    const wanted = readArguments(args);
    const { name, version } = wanted;
    const word = await readWord(wanted.word, io);
    // Where the tensors' lines go to the same terminal, a line that is written over would be torn by them.
    using reporter = createReporter(io.stderr, { columns: io.isTTY ? undefined : io.errorColumns });
    const totals = { tensors: 0, worst: undefined as TensorReport | undefined };
    try {
      const { checkpoint, form } = await understand(wanted, io, reporter);
      const store = openTarget(wanted.target, io);
      if (!wanted.target.startsWith("s3://"))
        await requireRoom(store, { ...wanted, checkpoint, form, machine });
      const { bundle, digest, ignored } = await encodeCheckpoint(checkpoint, form, {
        store,
        name,
        version,
        rotate: wanted.rotate,
        signal: io.signal,
        ...(wanted.abilities === undefined ? {} : { abilities: wanted.abilities }),
        ...word,
        createHasher: createSha256,
        onProgress: (progress) => reporter.progress(progress, progress.stage),
        onTensor: (report) => {
          totals.tensors += 1;
          if (relative(report) > relative(totals.worst)) totals.worst = report;
          io.stdout.write(tensorLine(report));
        },
      });
      const bytes = bundle.stages.reduce((total, stage) => total + stage.bytes, 0);
      reporter.says(
        `${totals.tensors} tensors encoded, ${ignored.length} of the checkpoint's not used, ${(bytes / 1e9).toFixed(3)} GB in ${bundle.stages.length} stages`,
      );
      if (totals.worst !== undefined) reporter.says(`worst: ${tensorLine(totals.worst).trimEnd()}`);
      reporter.says(`peak memory ${peakMegabytes()} MB`);
      io.stdout.write(`${name}\t${version}\t${digest}\n`);
      return EXIT.done;
    } catch (error) {
      if (!io.signal.aborted) throw error;
      reporter.says("stopped; the same command goes on from here");
      return EXIT.interrupted;
    }
  };
}

/** Reads the checkpoint's headers and decides how it is stored. */
async function understand(
  { source, form, idsOnly, special }: ConvertArguments,
  io: CommandIo,
  reporter: Reporter,
): Promise<{ checkpoint: Checkpoint; form: StorageForm }> {
  const from = readSource(source, { cwd: io.cwd, endpoint: hubEndpoint(io.env) });
  if (from.kind !== "folder") reporter.says(`looking at ${sourceText(from)} …`);
  const opened = await openModelSource(from, {
    cwd: io.cwd,
    env: io.env,
    signal: io.signal,
    hub: () => hubSettings(io.env),
    fetching: { onRetry: retryTeller(reporter.says) },
  });
  if (opened.commit !== undefined) reporter.says(opened.label);
  const checkpoint = await openCheckpoint(opened.folder, {
    idsOnly,
    special,
    checkTemplate,
    signal: io.signal,
  });
  return { checkpoint, form: typeof form === "function" ? form(checkpoint.architecture) : form };
}

/** Throws WeightsError `disk_too_small` unless the bundle fits where it is to be written. What of it is there already needs no room. */
async function requireRoom(
  store: ObjectStore,
  {
    checkpoint,
    form,
    name,
    version,
    machine,
  }: { checkpoint: Checkpoint; form: StorageForm; name: string; version: string; machine: Machine },
): Promise<void> {
  const files = [...checkpoint.files.values()];
  const fileBytes = files.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const needs = needsOf(checkpoint.architecture, form, { fileBytes });
  const keptBytes = await storedBytes(store, name, version);
  await requireDisk(needs, form, { folder: store.address, keptBytes, machine });
}

/** The most memory that the process has held, weights and all. */
export function peakMegabytes(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024); // Node reports kilobytes
}

interface ConvertArguments {
  readonly source: string;
  readonly target: string;
  readonly name: string;
  readonly version: string;
  readonly form: ConvertOptions["form"];
  readonly rotate: boolean;
  readonly idsOnly: boolean;
  readonly special: Partial<SpecialTokens>;
  readonly abilities: Abilities | undefined;
  readonly word: WordFiles;
}

function readArguments(args: readonly string[]): ConvertArguments {
  const { values, positionals } = parseOrExplain(args);
  const [source, ...rest] = positionals;
  if (source === undefined || rest.length > 0) {
    throw new UsageError("convert takes one SOURCE: a folder, s3:// or https:// address");
  }
  const { to: target, name, version } = values;
  if (target === undefined || name === undefined || version === undefined) {
    throw new UsageError("convert needs --to, --name and --version");
  }
  checkBundleNames({ name, version });
  return {
    source,
    target,
    name,
    version,
    form: readForm(values),
    rotate: values.rotate,
    idsOnly: values["ids-only"],
    special: readSpecial(values.special),
    abilities: readAbilities(values),
    word: { trust: values.trust, read: values.read },
  };
}

/** Throws UsageError unless each option's text can name a bundle: known now, not when hours of work are done. */
export function checkBundleNames(texts: Readonly<Record<string, string>>): void {
  for (const [option, text] of Object.entries(texts)) {
    if (!isBundleName(text)) {
      throw new UsageError(`--${option} "${text}" cannot be: ${BUNDLE_NAME_RULE}`);
    }
  }
}

function parseOrExplain(args: readonly string[]) {
  return parseArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      to: { type: "string" },
      ...FORM_OPTIONS,
      name: { type: "string" },
      version: { type: "string" },
      rotate: { type: "boolean", default: false },
      "ids-only": { type: "boolean", default: false },
      special: { type: "string", multiple: true, default: [] },
      ...ABILITY_OPTIONS,
      ...WORD_OPTIONS,
    },
  });
}

function readSpecial(settings: readonly string[]): Partial<SpecialTokens> {
  const special: Partial<Record<keyof SpecialTokens, number>> = {};
  for (const setting of settings) {
    const [role = "", id = ""] = setting.split("=");
    if (!isRole(role) || !/^\d+$/.test(id)) {
      throw new UsageError(`--special ${setting}: write ROLE=ID, for example mask=126336`);
    }
    special[role] = Number(id);
  }
  return special;
}

function isRole(role: string): role is keyof SpecialTokens {
  return Object.hasOwn(SPECIAL_TOKEN_TEXTS, role);
}

function relative(report: TensorReport | undefined): number {
  if (report === undefined) return -1;
  return report.rmsSource === 0 ? 0 : report.rmsError / report.rmsSource;
}

function tensorLine(report: TensorReport): string {
  const { stage, name, encoding, maxError, rmsError } = report;
  const numbers = [maxError, rmsError, relative(report)].map((value) => value.toPrecision(3));
  return `${[stage, name, encoding, ...numbers].join("\t")}\n`;
}
