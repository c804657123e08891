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
const GPU_FORMATS = ["f32", "f16", "q8", "q4"];
const CPU_ANSWER = "w8a8";
const GPU_ANSWERS = ["q4", "q8"];

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

/** Everything that is measured on these providers, the most telling first: what the budget cuts off is at the end. */
export function planSteps(providers: readonly Provider[], small: boolean): readonly Step[] {
  const gpus = providers.filter(isGpu);
  const each = (make: (provider: Provider) => readonly Step[]): readonly Step[] =>
    providers.flatMap(make);
  return [
    ...each((provider) => [step("empty run", "emptyRun", provider, {}, 20)]),
    ...each((provider) =>
      known(isGpu(provider) ? GPU_FORMATS : CPU_FORMATS).map((format) =>
        step(`self-test ${format}`, "selfTest", provider, { format }, 40),
      ),
    ),
    ...each((provider) => [
      step("tokens", "tokens", provider, { cases: REFERENCE_CASES.join(",") }, 60),
    ]),
    ...gpus.flatMap((provider) =>
      ["fused", "split"].map((form) =>
        step(`attention ${form}`, "attention", provider, { form }, 40),
      ),
    ),
    ...each((provider) =>
      known(isGpu(provider) ? GPU_ANSWERS : [CPU_ANSWER]).map((format) =>
        step(`answers ${format}`, "answers", provider, { format }, small ? 60 : 75),
      ),
    ),
    ...gpus.flatMap((provider) =>
      VARIANTS.map(([bits, accuracy, activations]) => {
        const name = `product ${bits} bits, accuracy ${accuracy}, ${activations}`;
        return step(name, "products", provider, { bits, accuracy, activations }, 30);
      }),
    ),
    ...each((provider) => [
      step("load", "load", provider, { format: isGpu(provider) ? "q4" : CPU_ANSWER }, 40),
    ]),
    // Last: it may take the driver's mood with it.
    ...gpus.map((provider) => step("empty tensor", "nothing", provider, {}, 20)),
  ];
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

function isGpu(provider: string): boolean {
  return provider !== "cpu" && provider !== "wasm";
}

function known(formats: readonly string[]): readonly string[] {
  return formats.filter((format) => bundleFormats.some((name) => name === format));
}
