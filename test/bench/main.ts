// `npm run bench -- NAME [options]`: figures, never pass or fail. Each prints what it compares and in what conditions.

import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { SynthShape } from "#weights/synth/shapes.ts";
import { SYNTH_SHAPES } from "#weights/synth/shapes.ts";
import { measureLoad } from "./load.bench.ts";

const HELP = `npm run bench -- NAME

  load [--shape SHAPE] [--turns N]   a cold start from S3: loading against plain GETs of the same objects, peak memory,
                                     last byte to first answer, one step over 32 positions
                                     SHAPE: ${SYNTH_SHAPES.join(" | ")} (default llada-v-8b, 5 GB of disk, about ten minutes)
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      shape: { type: "string", default: "llada-v-8b" },
      turns: { type: "string", default: "3" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help || positionals[0] !== "load") {
    process.stdout.write(HELP);
    process.exitCode = values.help ? 0 : 64;
    return;
  }
  const shape = SYNTH_SHAPES.find((known) => known === values.shape);
  if (shape === undefined) throw new Error(`--shape is one of ${SYNTH_SHAPES.join(", ")}`);
  await load(shape, Number(values.turns));
}

async function load(shape: SynthShape, turns: number): Promise<void> {
  const processors = cpus();
  console.log(`${processors.length} × ${processors[0]?.model.trim()}, Node ${process.version}`);
  const figures = await measureLoad(shape, turns, (words) => process.stderr.write(`${words}\n`));
  const { firstAnswer } = figures;
  const perSecond = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB/s`;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
  const rows = [
    ["weights", `${shape} q4, ${gigabytes(figures.weightBytes)}`],
    ["plain concurrent GET", perSecond(figures.plainBytesPerSecond)],
    ["load: fetch, place, hash", perSecond(figures.loadBytesPerSecond)],
    ["load over plain", figures.speedRatio.toFixed(2)],
    ["peak memory of the load alone", gigabytes(figures.peakRssBytes)],
    ["load with sessions", `${firstAnswer.loadSeconds.toFixed(1)} s`],
    ["last byte to end of first answer", `${firstAnswer.lastByteToAnswerMs.toFixed(0)} ms`],
    ["one step over 32 positions", `${firstAnswer.stepOf32Ms.toFixed(0)} ms`],
    ["peak memory of the function", gigabytes(firstAnswer.peakRssBytes)],
    ["peak memory over weights", (firstAnswer.peakRssBytes / figures.weightBytes).toFixed(2)],
  ];
  for (const [name = "", figure = ""] of rows) console.log(`${name.padEnd(36)}${figure}`);
}

await main();
