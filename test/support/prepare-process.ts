// Prepares the model that its first argument names, in the folder of models that its second one names, as a process of its own
// that can be killed: what it is told comes out as lines, and the end as `FROM DIGEST`.

import { prepareModel } from "#cli/models/prepare.ts";

const [source = "", models = ""] = process.argv.slice(2);
const { from, digest } = await prepareModel({
  ...{ source, models, cwd: process.cwd(), env: process.env },
  ...{ provider: "cpu", format: "auto" },
  machine: { memoryBytes: 64e9, freeBytes: async () => 1e12 },
  signal: new AbortController().signal,
  onProgress: (told) => {
    process.stdout.write(`${told.kind === "says" ? told.text : told.label}\n`);
  },
});
process.stdout.write(`${from} ${digest}\n`);
