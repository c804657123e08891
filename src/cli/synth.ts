import type { Abilities } from "#domain/abilities.ts";
import {
  type BundleFormat,
  bundleFormats,
  type Q4Block,
  q4Blocks,
  STANDARD_Q4_BLOCK,
} from "#domain/bundle.ts";
import { createSha256 } from "#inference/sha256.ts";
import { SMALL_FORM } from "#weights/format-choice.ts";
import { SYNTH_SHAPES, type SynthShape } from "#weights/synth/shapes.ts";
import { synthBundle } from "#weights/synth/synth.ts";
import { type Command, EXIT, parseArguments, UsageError } from "./command.ts";
import { ABILITY_OPTIONS, abilityHelp, readAbilities } from "./convert/abilities.ts";
import { readBlock, readFormat } from "./convert/form.ts";
import { openTarget } from "./convert/location.ts";
import { createReporter } from "./convert/report.ts";
import { checkBundleNames, peakMegabytes } from "./convert.ts";

/** Help text of `unmask synth`. */
export const SYNTH_USAGE: string = `unmask synth --to TARGET [--shape SHAPE] [--format FORMAT] [--seed N] [--name NAME] [--version VERSION]

  Writes a bundle of random weights: the size and speed of a real model, answers that are noise.

  --to       a folder, or s3://bucket/prefix at UNMASK_S3_ENDPOINT
  --shape    ${SYNTH_SHAPES.join(" | ")} (default tiny)
  --format   ${bundleFormats.join(" | ")} (default q4)
  --block    ${q4Blocks.join(" | ")}, of q4 (default ${STANDARD_Q4_BLOCK}; convert's is ${SMALL_FORM.block})
${abilityHelp(10)}
`;

/** Runs `unmask synth`: prints name, version and digest to stdout, progress to stderr. */
export const synth: Command = async (args, io) => {
  const { target, shape, format, block, seed, name, version, abilities } = readArguments(args);
  using reporter = createReporter(io.stderr, { columns: io.errorColumns });
  try {
    const { digest } = await synthBundle({
      store: openTarget(target, io),
      name,
      version,
      shape,
      format,
      ...(block === undefined ? {} : { block }),
      seed,
      ...(abilities === undefined ? {} : { abilities }),
      createHasher: createSha256,
      signal: io.signal,
      onProgress: (progress) => reporter.progress(progress, shape),
    });
    io.stderr.write(`peak memory ${peakMegabytes()} MB\n`);
    io.stdout.write(`${name}\t${version}\t${digest}\n`);
    return EXIT.done;
  } catch (error) {
    if (!io.signal.aborted) throw error;
    io.stderr.write("stopped; the same command goes on from here\n");
    return EXIT.interrupted;
  }
};

interface SynthArguments {
  readonly target: string;
  readonly shape: SynthShape;
  readonly format: BundleFormat;
  readonly block: Q4Block | undefined;
  readonly seed: number;
  readonly name: string;
  readonly version: string;
  readonly abilities: Abilities | undefined;
}

function readArguments(args: readonly string[]): SynthArguments {
  const values = parseOrExplain(args);
  if (values.to === undefined)
    throw new UsageError("synth needs --to: a folder or s3://bucket/prefix");
  const shape = SYNTH_SHAPES.find((known) => known === values.shape);
  if (shape === undefined) throw new UsageError(`--shape is one of ${SYNTH_SHAPES.join(", ")}`);
  const format = readFormat(values.format);
  const block = values.block === undefined ? undefined : readBlock(format, values.block);
  if (!/^\d{1,10}$/.test(values.seed)) throw new UsageError("--seed is a whole number");
  const { name = `synth-${shape}`, version = `${format}-${values.seed}` } = values;
  checkBundleNames({ name, version });
  const abilities = readAbilities(values);
  const seed = Number(values.seed);
  return { target: values.to, shape, format, block, seed, name, version, abilities };
}

function parseOrExplain(args: readonly string[]) {
  return parseArguments({
    args: [...args],
    options: {
      to: { type: "string" },
      shape: { type: "string", default: "tiny" },
      format: { type: "string", default: "q4" },
      block: { type: "string" },
      seed: { type: "string", default: "1" },
      name: { type: "string" },
      version: { type: "string" },
      ...ABILITY_OPTIONS,
    },
  }).values;
}
