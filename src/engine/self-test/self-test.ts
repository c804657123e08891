import type { StageLayout } from "#domain/bundle.ts";
import { tensor } from "#domain/tensor.ts";
import { type OpProfile, opProfiles, type Provider } from "#graph/profile.ts";
import { PROBE_WIDTH, probeBytes, saturationProbeGraph } from "#graph/saturation-probe.ts";
import { floats } from "../engine-parts.ts";
import type { Runtime } from "../runtime/runtime.ts";
import {
  type CaseSizes,
  FUSED_SIZES,
  type LinearEncoding,
  type LinearKind,
} from "./random-layers.ts";
import { rowsAreIndependent } from "./row-independence.ts";
import { type LayerOutcome, runDecoderLayer, runVisionLayer } from "./self-test-layers.ts";
import { runConvTower } from "./self-test-tower.ts";

/** A provider whose arithmetic is wrong on this machine: it must not answer anybody. */
export class ProviderMismatchError extends Error {
  override readonly name = "ProviderMismatchError";
}

/** Tests a provider on this machine, each encoding of linears once, before the first stage that needs it. */
export interface SelfTest {
  /** Throws ProviderMismatchError if the provider computes what this stage needs wrongly. */
  check(stage: StageLayout): Promise<void>;
  /** Whether each kernel that was tested gave every row the same bits in any company; see `rowsAreIndependent`. */
  readonly rowsAreIndependent: boolean;
}

/**
 * Largest error of a layer against the plain forward, relative to its root mean square. Float encodings leave only rounding;
 * the others also quantise their activations to 8 bits, which measured 0.4–1.4 % here. Wrong kernels seen so far were off by
 * 4 % and more.
 */
const tolerances: Readonly<Record<LinearEncoding, number>> = {
  f32t: 1e-5,
  f16t: 1e-5,
  w8: 0.02,
  w7: 0.02,
  q4: 0.02,
  q8u: 0.02,
};

/** Of f16 weights times f16 activations, which measured 0.04 to 0.1 %. */
const HALVES_TOLERANCE = 5e-3;

/** Of a tower of convolutions, which is floats in every encoding once its weights are widened: only rounding is left. */
const TOWER_TOLERANCE = 1e-4;

type KernelEncoding = Parameters<typeof runConvTower>[2];

function toleranceOf({ encoding }: LinearKind, { activations }: OpProfile): number {
  const isHalves = encoding === "f16t" && activations === "FLOAT16";
  return isHalves ? HALVES_TOLERANCE : tolerances[encoding];
}

/** Creates the test of one engine; nothing runs yet. */
export function createSelfTest(runtime: Runtime, provider: Provider, profile: OpProfile): SelfTest {
  const tested = new Map<string, Promise<void>>();
  const dependent = new Set<string>();
  const testTower = async (encoding: KernelEncoding): Promise<void> =>
    judge(await runConvTower(runtime, profile, encoding), provider, { encoding }, TOWER_TOLERANCE);
  const test = async (run: typeof runDecoderLayer, kind: LinearKind): Promise<void> => {
    judge(await run(runtime, profile, kind), provider, kind, toleranceOf(kind, profile));
    const areIndependent =
      profile.tensors === "host" && (await rowsAreIndependent(runtime, profile, kind));
    if (!areIndependent) dependent.add(nameOf(kind));
  };
  return {
    async check(stage) {
      for (const encoding of encodingsOfKernels(stage)) {
        const key = `tower ${encoding}`;
        const outcome = tested.get(key) ?? testTower(encoding);
        tested.set(key, outcome);
        await outcome;
      }
      const run = stage.name === "vision" ? runVisionLayer : runDecoderLayer;
      for (const kind of linearKinds(stage)) {
        const key = `${run.name} ${nameOf(kind)}`;
        const outcome = tested.get(key) ?? test(run, kind);
        tested.set(key, outcome);
        await outcome;
      }
    },
    get rowsAreIndependent() {
      return dependent.size === 0;
    },
  };
}

/** Finds the op forms for a provider on this machine: the table's, but for what a test decides. */
export async function settleProfile(runtime: Runtime, provider: Provider): Promise<OpProfile> {
  const profile = opProfiles[provider];
  if (profile.tensors === "device") return await settleDevice(runtime, profile);
  return (await saturates(runtime, profile)) ? { ...profile, int8Weights: "unsigned" } : profile;
}

async function saturates(runtime: Runtime, profile: OpProfile): Promise<boolean> {
  const model = saturationProbeGraph(profile);
  const session = await runtime.createSession("probe", model, probeBytes());
  const ones = new Float32Array(PROBE_WIDTH).fill(1);
  const { y } = await session.run({ x: tensor([1, PROBE_WIDTH], ones) }, ["y"]);
  await session.release();
  return floats(y).data.some((value) => Math.abs(value - PROBE_WIDTH * 127) >= 1);
}

/** Takes the faster form of each operation where this device computes a layer right with it. Not every device has them. */
async function settleDevice(runtime: Runtime, profile: OpProfile): Promise<OpProfile> {
  const computesRight = async (
    form: Partial<OpProfile>,
    kind: LinearKind,
    sizes?: CaseSizes,
  ): Promise<boolean> => {
    const tried = { ...profile, ...form };
    try {
      const { actual, expected } = await runDecoderLayer(runtime, tried, kind, sizes);
      return relativeError(actual, expected) <= toleranceOf(kind, tried);
    } catch (error) {
      // A device that cannot is told by its runtime; what is wrong with the table's form too, the first stage will tell.
      if (error instanceof Error) return false;
      throw error;
    }
  };
  const fused = { attention: "fused" } as const;
  const halves = { activations: "FLOAT16" } as const;
  return {
    ...profile,
    ...((await computesRight(fused, { encoding: "f32t" }, FUSED_SIZES)) ? fused : {}),
    ...((await computesRight(halves, { encoding: "q8u" })) ? halves : {}),
  };
}

const kernelEncodings = ["f32", "f16", "r8"] as const satisfies readonly KernelEncoding[];

/** How the convolutions of a stage are stored: none in a stage that has none. Throws Error for one that no graph reads. */
function encodingsOfKernels({ tensors }: StageLayout): readonly KernelEncoding[] {
  const used = new Set<KernelEncoding>();
  for (const { name, shape, encoding } of tensors) {
    if (!name.startsWith("trunk.") || shape.length < 2) continue;
    const known = kernelEncodings.find((one) => one === encoding);
    if (known === undefined)
      throw new Error(
        `${name} is stored as ${encoding}; kernels of convolutions are read as ${kernelEncodings.join(", ")}`,
      );
    used.add(known);
  }
  return [...used];
}

/** The kinds of linears in a stage, each once. */
function linearKinds({ tensors }: StageLayout): readonly LinearKind[] {
  const kinds = new Map<string, LinearKind>();
  for (const { encoding, block } of tensors) {
    if (!isLinear(encoding)) continue;
    const kind = { encoding, ...(block === undefined ? {} : { block }) };
    kinds.set(nameOf(kind), kind);
  }
  return [...kinds.values()];
}

function isLinear(encoding: string): encoding is LinearEncoding {
  return Object.hasOwn(tolerances, encoding);
}

function nameOf({
  encoding,
  block,
}: {
  readonly encoding: string;
  readonly block?: number;
}): string {
  return block === undefined ? encoding : `${encoding} in blocks of ${block}`;
}

function judge(
  outcome: LayerOutcome,
  provider: Provider,
  kind: { readonly encoding: string; readonly block?: number },
  tolerance: number,
): void {
  const error = relativeError(outcome.actual, outcome.expected);
  if (error <= tolerance) return;
  throw new ProviderMismatchError(
    `provider ${provider} computes a ${outcome.layer} with ${nameOf(kind)} weights wrongly on this machine: ` +
      `relative error ${error.toExponential(1)}, allowed ${tolerance}; use another provider or format`,
  );
}

/** Root mean square of the difference over that of what was expected; not a number counts as infinitely far. */
export function relativeError(actual: Float32Array, expected: Float64Array): number {
  let difference = 0;
  let size = 0;
  for (const [index, value] of expected.entries()) {
    difference += ((actual[index] ?? Number.NaN) - value) ** 2;
    size += value ** 2;
  }
  const error = Math.sqrt(difference / size);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}
