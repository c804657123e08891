import { q4Blocks } from "#domain/bundle.ts";
import { SYNTH_SHAPES } from "#weights/synth/shapes.ts";
import { type LoadBench, measureLoad, type Turn } from "./load.bench.ts";

export const LOAD_FORMATS = ["q4", "w8a8", "w7a8", "f16"] as const;

/** As they are typed. */
export interface LoadOptions {
  readonly shape: string;
  readonly format: string;
  readonly block: string;
  readonly from: string;
  readonly turns: string;
}

/** Runs the benchmark of loading as the command line asks for it: rows of what and how much. Throws an Error for an unknown choice. */
export async function reportLoad(options: LoadOptions): Promise<readonly (readonly string[])[]> {
  const bench = loadBenchOf(options);
  const figures = await measureLoad(bench, (words) => process.stderr.write(`${words}\n`));
  const { weightBytes, plain, load: loaded, firstAnswer } = figures;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
  const pace = ({ seconds, cpuSeconds }: Turn): string =>
    `${(weightBytes / 1e6 / seconds).toFixed(0)} MB/s, ${cpuSeconds.toFixed(1)} s of CPU time`;
  const { shape, format, block, from } = bench;
  const { loadSeconds, lastByteToAnswerMs, stepOf32Ms, peakRssBytes } = firstAnswer;
  const name = format === "q4" ? `q4 in blocks of ${block}` : format;
  return [
    ["weights", `${shape} ${name}, ${gigabytes(weightBytes)}, from ${from}`],
    ["plain reading", pace(plain)],
    ["load: fetch, place, hash", pace(loaded)],
    ["load over plain", (plain.seconds / loaded.seconds).toFixed(2)],
    ["peak memory of the load alone", gigabytes(figures.peakRssBytes)],
    ["load with sessions", `${loadSeconds.toFixed(1)} s`],
    ["last byte to end of first answer", `${lastByteToAnswerMs.toFixed(0)} ms`],
    ["first answer over last byte", (1 + lastByteToAnswerMs / 1000 / loadSeconds).toFixed(2)],
    ["one step over 32 positions", `${stepOf32Ms.toFixed(0)} ms`],
    ["peak memory of the function", gigabytes(peakRssBytes)],
    ["peak memory over weights", (peakRssBytes / weightBytes).toFixed(2)],
  ];
}

function loadBenchOf(values: LoadOptions): LoadBench {
  const shape = SYNTH_SHAPES.find((known) => known === values.shape);
  if (shape === undefined) throw new Error(`--shape is one of ${SYNTH_SHAPES.join(", ")}`);
  const format = LOAD_FORMATS.find((known) => known === values.format);
  if (format === undefined) throw new Error(`--format is one of ${LOAD_FORMATS.join(", ")}`);
  const block = q4Blocks.find((known) => String(known) === values.block);
  if (block === undefined) throw new Error(`--block is one of ${q4Blocks.join(", ")}`);
  const from = (["disk", "s3"] as const).find((known) => known === values.from);
  if (from === undefined) throw new Error("--from is disk or s3");
  return { shape, format, block, from, rounds: Number(values.turns) };
}
