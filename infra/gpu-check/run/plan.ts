import { bundleFormats } from "#domain/bundle.ts";
import type { Provider } from "#graph/profile.ts";
import type { Order } from "../measure/measure.ts";

/** One process to start. */
export interface Step {
  /** Unique: what `--only` and the table say. */
  readonly name: string;
  readonly measure: string;
  readonly provider: Provider;
  readonly options: Order["options"];
  /** What it may take at most, in seconds. */
  readonly limitSeconds: number;
  /** What its provider lacks for it here: then it is not begun. */
  readonly lacks?: string;
}

/** Cases of the reference: a picture, text alone, a kept prompt, a picture of 10 by 200. */
export const REFERENCE_CASES: readonly string[] = [
  "p01_square56_grad",
  "p07_text_only",
  "p14_fast_prefix_cache",
  "p18_10x200_zero_width",
];

/** Bundles by what runs them; a name that this version does not have is passed over. */
const CPU_FORMATS = ["w8a8", "q4"];
const GPU_FORMATS = ["q4", "q8", "f16", "f32"];
const CPU_ANSWER = "w8a8";
const GPU_ANSWERS = ["q4", "q8"];
/** What is left of all these where a driver computes on the CPU: there is no speed to compare. */
const SMALL_FORMATS = ["q4", "f32"];
const SMALL_CASES = ["p07_text_only", "p18_10x200_zero_width"];

/** Linears whose speed is compared: bits of weights, accuracy level, activations. */
const VARIANTS: readonly (readonly [bits: number, accuracy: number, activations: string])[] = [
  [4, 4, "f16"],
  [8, 4, "f16"],
  [4, 0, "f16"],
  [8, 0, "f16"],
  [16, 0, "f16"],
  [4, 4, "f32"],
  [8, 4, "f32"],
  [32, 0, "f32"],
];

/** A provider that runs here. */
export interface FoundProvider {
  readonly name: Provider;
  /** Whether it computes with 16-bit floats. */
  readonly hasF16: boolean;
}

/** Everything that is measured on these providers, the most telling first: what the budget cuts off is at the end. */
export function planSteps(providers: readonly FoundProvider[], small: boolean): readonly Step[] {
  const gpus = providers.filter(isGpu);
  const hosts = providers.filter((provider) => !isGpu(provider));
  // A driver that computes on the CPU takes minutes over what a GPU does in seconds.
  const patience = small ? 2 : 1;
  const limit = (seconds: number): number => seconds * patience;
  const cases = small ? SMALL_CASES : REFERENCE_CASES;
  const formatsOf = (provider: FoundProvider): readonly string[] => {
    const own = isGpu(provider) ? GPU_FORMATS : CPU_FORMATS;
    return known(small && isGpu(provider) ? SMALL_FORMATS : own);
  };
  return [
    ...providers.map(({ name }) => step("empty run", "emptyRun", name, {}, 20)),
    ...providers.flatMap((provider) =>
      formatsOf(provider).map((format) =>
        step(`self-test ${format}`, "selfTest", provider.name, { format }, limit(30)),
      ),
    ),
    ...providers.flatMap(({ name }) =>
      cases.map((each) => step(`tokens ${each}`, "tokens", name, { case: each }, limit(40))),
    ),
    ...gpus.flatMap(({ name }) =>
      ["fused", "split"].map((form) =>
        step(`attention ${form}`, "attention", name, { form }, limit(40)),
      ),
    ),
    ...gpus.flatMap(({ name }) =>
      known(small ? GPU_ANSWERS.slice(0, 1) : GPU_ANSWERS).map((format) =>
        step(`answers ${format}`, "answers", name, { format }, 75),
      ),
    ),
    ...gpus.flatMap(products),
    ...hosts.map(({ name }) =>
      step(`answers ${CPU_ANSWER}`, "answers", name, { format: CPU_ANSWER }, 75),
    ),
    ...providers.map((provider) => {
      const format = isGpu(provider) ? "q4" : CPU_ANSWER;
      return step("load", "load", provider.name, { format }, 40);
    }),
    // Last: it may take the driver's mood with it.
    ...gpus.map(({ name }) => step("empty tensor", "nothing", name, {}, 20)),
  ];
}

function products({ name, hasF16 }: FoundProvider): readonly Step[] {
  return VARIANTS.map(([bits, accuracy, activations]) => {
    const words = `product ${bits} bits, accuracy ${accuracy}, ${activations}`;
    const each = step(words, "products", name, { bits, accuracy, activations }, 30);
    const needsF16 = activations === "f16" || bits === 16;
    return needsF16 && !hasF16 ? { ...each, lacks: "16-bit floats" } : each;
  });
}

/** The first question to a provider: whether it runs at all. */
export function probeStep(provider: Provider): Step {
  return step("provider", "provider", provider, {}, 60);
}

function step(
  name: string,
  measure: string,
  provider: Provider,
  options: Step["options"],
  limitSeconds: number,
): Step {
  return { name: `${name} on ${provider}`, measure, provider, options, limitSeconds };
}

function isGpu({ name }: FoundProvider): boolean {
  return name !== "cpu" && name !== "wasm";
}

function known(formats: readonly string[]): readonly string[] {
  return formats.filter((format) => bundleFormats.some((name) => name === format));
}
