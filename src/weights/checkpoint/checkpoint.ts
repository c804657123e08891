import type { Architecture, SpecialTokens } from "#domain/architecture.ts";
import { type StageName, stageNames } from "#domain/bundle.ts";
import { stageTensors } from "../layout.ts";
import { MAX_FILE_BYTES, MAX_TEMPLATE_LENGTH } from "../limits.ts";
import { WeightsError } from "../weights-error.ts";
import { joinArchitecture, readCheckpointConfig } from "./architecture.ts";
import { type CheckpointFolder, parseFile, readJson, readWhole } from "./checkpoint-folder.ts";
import { type LocatedTensor, locateTensors } from "./locate-tensors.ts";
import { readTokenizerFacts, specialTokensFromEndOfText } from "./special-tokens.ts";
import { placeTensor } from "./tensor-names.ts";

export interface CheckpointOptions {
  /** Take ids only: no tokenizer is read, all `vocab_size` columns may be chosen. */
  readonly idsOnly?: boolean;
  /** Ids that replace what tokenizer or config say. */
  readonly special?: Partial<SpecialTokens>;
  /** Tries the chat template; throws where whoever serves the bundle could not use it. */
  readonly checkTemplate?: (source: string) => void;
  readonly signal?: AbortSignal;
}

/** A checkpoint that has been understood: every tensor that the architecture needs is there and has the right shape. */
export interface Checkpoint {
  readonly architecture: Architecture;
  /** Finds the file and place of a stage's tensor. */
  readonly tensor: (stage: StageName, name: string) => LocatedTensor;
  /** Tokenizer files by name (none with `idsOnly`), and the model card where the checkpoint has one. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** Tensors that are in the files and not used, for the report. */
  readonly ignored: readonly string[];
}

const TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json"] as const;

/**
 * Opens a checkpoint: reads config, tokenizer, index and headers, and none of the weights.
 * Throws WeightsError by name for everything that is missing, superfluous or of another shape: weights that are silently
 * left out make a model that answers wrongly without complaint.
 */
export async function openCheckpoint(
  folder: CheckpointFolder,
  options: CheckpointOptions = {},
): Promise<Checkpoint> {
  const { signal } = options;
  const config = readCheckpointConfig(await readJson(folder, "config.json", signal));
  const files = options.idsOnly ? new Map() : await readTokenizerFiles(folder, signal);
  const card = await folder.open(MODEL_CARD_FILE, signal);
  if (card !== undefined)
    files.set(MODEL_CARD_FILE, await readWhole(card, MODEL_CARD_FILE, MAX_FILE_BYTES, signal));
  const facts = options.idsOnly
    ? idsOnlyFacts(config.endOfText, config.language.vocabSize, options.special)
    : readTokenizerFacts(
        parseFile(files.get("tokenizer.json"), "tokenizer.json"),
        parseFile(files.get("tokenizer_config.json"), "tokenizer_config.json"),
        await readTemplate(folder, signal),
      );
  const architecture = joinArchitecture(config, {
    ...facts,
    special: { ...facts.special, ...options.special },
  });
  checkIds(architecture, config.mask);
  tryTemplate(architecture.prompt.chatTemplate, options.checkTemplate);
  const located = await locateTensors(folder, signal);
  return { architecture, files, ...assignTensors(architecture, located, config.tiedHead) };
}

function idsOnlyFacts(
  endOfText: number | undefined,
  vocabSize: number,
  overrides: Partial<SpecialTokens> | undefined,
): { special: SpecialTokens; logitsColumns: number } {
  const anchor = overrides?.endOfText ?? endOfText;
  if (anchor === undefined) {
    throw new WeightsError("checkpoint_invalid", "config.json lacks eos_token_id");
  }
  return { special: specialTokensFromEndOfText(anchor), logitsColumns: vocabSize };
}

function checkIds(
  { language, special, logitsColumns }: Architecture,
  configuredMask: number | undefined,
): void {
  if (configuredMask !== undefined && configuredMask !== special.mask) {
    throw new WeightsError(
      "checkpoint_invalid",
      `config.json says that mask_token_id is ${configuredMask}, but the mask is ${special.mask}; if config.json is right, give it as an option`,
    );
  }
  if (logitsColumns > language.vocabSize) {
    throw new WeightsError(
      "tokenizer_invalid",
      `the tokenizer has ${logitsColumns} ids, the head only ${language.vocabSize} rows`,
    );
  }
  for (const [role, id] of Object.entries(special)) {
    if (!Number.isInteger(id) || id < 0 || id >= logitsColumns) {
      throw new WeightsError(
        "checkpoint_invalid",
        `the special token ${role} would have id ${id}; ids end at ${logitsColumns - 1} (give it as an option)`,
      );
    }
  }
}

function tryTemplate(
  source: string | undefined,
  check: ((source: string) => void) | undefined,
): void {
  if (source === undefined || check === undefined) return;
  try {
    check(source);
  } catch (cause) {
    throw new WeightsError("checkpoint_unsupported", "the chat template cannot be used", { cause });
  }
}

/** The model card's name in checkpoints of Hugging Face: it goes into the bundle, so that weights never travel without it. */
const MODEL_CARD_FILE = "README.md";

async function readTokenizerFiles(
  folder: CheckpointFolder,
  signal: AbortSignal | undefined,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of TOKENIZER_FILES) {
    const source = await folder.open(name, signal);
    if (source === undefined) {
      throw new WeightsError(
        "tokenizer_invalid",
        `${folder.address} has no ${name}; to convert weights without a tokenizer, ask for ids only`,
      );
    }
    files.set(name, await readWhole(source, name, MAX_FILE_BYTES, signal));
  }
  return files;
}

/** The template has a file of its own in checkpoints that newer tools wrote; it is carried in the manifest, so the file is not. */
async function readTemplate(
  folder: CheckpointFolder,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const name = "chat_template.jinja";
  const source = await folder.open(name, signal);
  if (source === undefined) return undefined;
  return new TextDecoder().decode(await readWhole(source, name, MAX_TEMPLATE_LENGTH, signal));
}

function assignTensors(
  architecture: Architecture,
  located: ReadonlyMap<string, LocatedTensor>,
  tiedHead: boolean,
): Pick<Checkpoint, "tensor" | "ignored"> {
  const placed = new Map<string, LocatedTensor>();
  const ignored: string[] = [];
  for (const [name, tensor] of located) {
    const place = placeTensor(name, architecture);
    if (place.kind === "stage") placed.set(`${place.stage}/${place.name}`, tensor);
    else if (place.kind === "ignored") ignored.push(name);
    else unexpected(name);
  }
  const table = placed.get("embed/weight");
  if (tiedHead && table !== undefined) {
    // Where a file holds a head all the same, the reference puts the table in its place.
    const unread = placed.get("head/weight");
    if (unread !== undefined) ignored.push(unread.name);
    placed.set("head/weight", table);
  }
  const wanted = new Set<string>();
  for (const stage of stageNames(architecture)) {
    for (const { name, shape } of stageTensors(architecture, stage)) {
      wanted.add(`${stage}/${name}`);
      const found = placed.get(`${stage}/${name}`);
      if (found === undefined) {
        throw new WeightsError("tensor_missing", `the checkpoint has no ${name} for ${stage}`);
      }
      if (found.shape.join() !== shape.join()) {
        throw new WeightsError(
          "tensor_shape",
          `${found.name} has shape [${found.shape.join(", ")}], config.json implies [${shape.join(", ")}]`,
        );
      }
    }
  }
  for (const [key, { name }] of placed) if (!wanted.has(key)) unexpected(name);
  return {
    ignored,
    tensor: (stage, name) => {
      const found = placed.get(`${stage}/${name}`);
      if (found === undefined) throw new RangeError(`${stage} has no tensor ${name}`);
      return found;
    },
  };
}

function unexpected(name: string): never {
  throw new WeightsError(
    "tensor_unexpected",
    `the checkpoint holds ${name.slice(0, 200)}, for which the architecture of config.json has no place`,
  );
}
