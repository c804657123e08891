import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { readCudaSettings } from "#inference/runtime/cuda/cuda-settings.ts";
import { engineProviders, whyUnavailable } from "#inference/runtime/node-engine.ts";
import { type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
import { checkCase } from "./parity/case.ts";
import type { ParityEngine, ParityProvider } from "./parity/model.ts";
import { checkTables } from "./parity/tables.ts";
import type { Verdict } from "./parity/verdict.ts";

/** The repository's own copy of the reference cases. */
const OWN_CASES: string = path.resolve(import.meta.dirname, "../../test/fixtures/reference");

/** Those that every machine can be asked for: cuda wants files that are installed by hand, and is checked by its self-test. */
const USUAL: readonly ParityProvider[] = ["cpu", "wasm", "webgpu"];

const HELP = `Usage: unmask parity [folder] [--provider ${engineProviders.join("|")}]

Runs the reference cases in a folder through this engine and tells whether it does what the reference did.

The folder (default: the copy in test/fixtures/reference) holds
  <checkpoint>/   tiny checkpoints as Hugging Face lays them out (config.json, *.safetensors)
  cases/<name>/   case.json, tensors.safetensors and pictures: inputs, what happened inside, every token written
  pure/, resize/  tables for what needs no model: layouts, schedules, the picture resizer, numerics

Each checkpoint is converted to a bundle (f32, ids only), loaded stage by stage as in service, and run.
Tokens, positions, counts and pixels must be equal; other numbers must lie within the reference's tolerances.

Options
  --provider <name>   Only this one. Default: ${USUAL.join(", ")}, one after the other.
  --help              This text.

Prints one line for the tensors of a case and one for each of its runs:
  passed p01_square56_grad run 0 baseline cpu: …
  failed p01_square56_grad run 1 baseline cpu: what differs first, and by how much
  skipped p19_170x110_noise run 1 cpu: mode fast: why this engine does not have it
  skipped all cases webgpu: why it cannot run on this machine
and at the end "N passed, N failed, N skipped". Exits with 1 if anything failed.
`;

/** The command `parity`: see its help. */
export async function runParity(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.help === true) {
    io.stdout.write(HELP);
    return EXIT.done;
  }
  const [folder = OWN_CASES, ...rest] = positionals;
  if (rest.length > 0) {
    throw new UsageError("parity takes one folder, the one that holds the reference cases");
  }
  const root = path.resolve(io.cwd, folder);
  if (!(await isFolder(root))) throw new UsageError(`${root} is not a folder`);

  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const verdict of checkAll(root, enginesOf(values.provider, io), io.signal)) {
    counts[verdict.outcome] += 1;
    io.stdout.write(`${verdict.outcome} ${verdict.name}: ${verdict.detail}\n`);
  }
  const { passed, failed, skipped } = counts;
  io.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  if (passed + failed + skipped === 0) throw new UsageError(`${root} holds no reference cases`);
  return failed === 0 ? EXIT.done : EXIT.failed;
}

function parse(args: readonly string[]) {
  return parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { provider: { type: "string" }, help: { type: "boolean" } },
  });
}

function enginesOf(name: string | undefined, { env }: CommandIo): readonly ParityEngine[] {
  if (name === undefined) return USUAL.map((provider) => ({ provider }));
  if (name === "cuda") return [{ provider: "cuda", cuda: readCudaSettings(env) }];
  const found = engineProviders.filter((provider) => provider === name);
  if (found.length > 0) return found.map((provider) => ({ provider }));
  throw new UsageError(`--provider ${name}: known are ${engineProviders.join(" and ")}`);
}

async function* checkAll(
  root: string,
  engines: readonly ParityEngine[],
  signal: AbortSignal,
): AsyncGenerator<Verdict> {
  yield* checkTables(root, signal);
  const cases = path.join(root, "cases");
  const names = (await isFolder(cases)) ? (await readdir(cases)).toSorted() : [];
  // Without cases nothing is left out for want of a provider.
  if (names.length === 0) return;
  for (const engine of engines) {
    const { provider } = engine;
    const reason = await whyUnavailable(provider, engine.cuda);
    if (reason !== undefined) {
      yield { outcome: "skipped", name: `all cases ${provider}`, detail: reason };
      continue;
    }
    for (const name of names) {
      signal.throwIfAborted();
      if (await isFolder(path.join(cases, name))) {
        yield* checkCase(root, path.join(cases, name), engine, signal);
      }
    }
  }
}

async function isFolder(name: string): Promise<boolean> {
  const found = await stat(name).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  return found?.isDirectory() ?? false;
}
