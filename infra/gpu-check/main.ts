// npm run gpu-check: packs the check for a machine with a GPU, or runs it here. See infra/gpu-check/README.md.

import { statSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { pack } from "./pack/pack.ts";
import { packCuda } from "./pack/pack-cuda.ts";
import { findSoftwareVulkan } from "./software-vulkan.ts";

const HELP = `Usage: npm run gpu-check -- COMMAND

  pack FOLDER           everything that a machine with a GPU needs, and run.sh
      --quick           packed with less care: larger, in seconds
  pack-cuda FOLDER      CUDA's files for the same FOLDER, in pieces
      --wheel FILE      PyPI's wheel of onnxruntime-gpu; fetched with pip where it is not named
      --architecture N  whose code is kept: 90 (default) for H100 and H200, 80 for A100, 89 for L4 and RTX 40

There: bash FOLDER/run.sh --help
`;

const QUICK_LEVEL = 1;
const USUAL_LEVEL = 6;

/** `sm_90`. */
const HOPPER = 90;

const root = path.resolve(import.meta.dirname, "../..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean" },
    wheel: { type: "string" },
    architecture: { type: "string" },
    help: { type: "boolean" },
  },
});
const [command, folder] = positionals;
const say = (words: string): void => console.error(words);

if (values.help === true || command === undefined || folder === undefined) {
  process.stdout.write(HELP);
  process.exitCode = values.help === true ? 0 : 2;
} else if (command === "pack") {
  const software = findSoftwareVulkan({ ...process.env, SOFTWARE_VULKAN: "swiftshader" });
  if (!software.ok) say(`without SwiftShader: ${software.refusal}`);
  const { files, bytes } = await pack({
    root,
    folder: path.resolve(folder),
    say,
    level: values.quick === true ? QUICK_LEVEL : USUAL_LEVEL,
    ...(software.ok ? { swiftShader: path.dirname(software.value.loader) } : {}),
  });
  for (const file of files) console.log(`${file.name}\t${file.bytes}`);
  console.log(`${(bytes / 1e6).toFixed(1)} MB; there: bash ${folder}/run.sh`);
} else if (command === "pack-cuda") {
  const pieces = await packCuda({
    root,
    folder: path.resolve(folder),
    say,
    architecture: Number(values.architecture ?? HOPPER),
    ...(values.wheel === undefined ? {} : { wheel: path.resolve(values.wheel) }),
  });
  for (const piece of pieces) console.log(`${piece}\t${statSync(piece).size}`);
} else {
  process.stdout.write(HELP);
  process.exitCode = 2;
}
