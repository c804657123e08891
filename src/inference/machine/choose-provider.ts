import type { Provider } from "#graph/profile.ts";
import type { Trial, Trouble, WebGpuFindings } from "./findings.ts";
import { findCuda, findWebGpu, type SurveyMeans } from "./survey.ts";

/** What was wanted and not taken. */
export interface PassedOver {
  readonly provider: Provider;
  /** What was found, as a clause. */
  readonly why: string;
  /** What to do about it, as a sentence without its full stop. */
  readonly next: string;
}

export type ProviderChoice =
  | {
      readonly kind: "chosen";
      readonly provider: Provider;
      /** What would have been better, in the order of its trial. */
      readonly passedOver: readonly PassedOver[];
    }
  | ({ readonly kind: "refused" } & PassedOver);

/** What is known of the providers that need more than a processor. */
export interface DeviceFindings {
  readonly cuda: Trial;
  readonly webgpu: Pick<WebGpuFindings, "troubles" | "isReal">;
}

/**
 * Chooses the provider. `auto` is CUDA where it works, else WebGPU where a real card answers, else the processor. One that is named
 * is taken as it is, WebGPU on a software driver too, or refused with the reason: nobody who asks for a card is to get a processor.
 */
export function resolveProvider(
  wanted: Provider | "auto",
  { cuda, webgpu }: DeviceFindings,
): ProviderChoice {
  const lacking = (provider: "cuda" | "webgpu", trouble: Trouble): PassedOver => {
    const { why, next } = trouble;
    return { provider, why, next };
  };
  const [noCuda] = cuda.troubles;
  const [noWebGpu = notReal(webgpu)] = webgpu.troubles;
  switch (wanted) {
    case "cpu":
    case "wasm":
      return { kind: "chosen", provider: wanted, passedOver: [] };
    case "cuda":
      return noCuda === undefined
        ? { kind: "chosen", provider: "cuda", passedOver: [] }
        : { kind: "refused", ...lacking("cuda", noCuda) };
    case "webgpu": {
      const [trouble] = webgpu.troubles;
      return trouble === undefined
        ? { kind: "chosen", provider: "webgpu", passedOver: [] }
        : { kind: "refused", ...lacking("webgpu", trouble) };
    }
    case "auto": {
      if (noCuda === undefined) return { kind: "chosen", provider: "cuda", passedOver: [] };
      const passedOver = [lacking("cuda", noCuda)];
      if (noWebGpu === undefined) return { kind: "chosen", provider: "webgpu", passedOver };
      return {
        kind: "chosen",
        provider: "cpu",
        passedOver: [...passedOver, lacking("webgpu", noWebGpu)],
      };
    }
    default:
      throw new Error(`no such provider: ${wanted satisfies never}`);
  }
}

function notReal({ isReal }: Pick<WebGpuFindings, "isReal">): Trouble | undefined {
  if (isReal === true) return undefined;
  return {
    kind: "software_only",
    why:
      isReal === false
        ? "the only device computes on the processor, which provider cpu does faster"
        : "whether a real card answers cannot be told here",
    next: "Ask for it by name (--provider webgpu) where it is wanted all the same",
  };
}

/** As `resolveProvider`, of this machine: looks at no more than it needs to. Rejects when it is asked to stop. */
export async function chooseProvider({
  wanted,
  ...means
}: SurveyMeans & { readonly wanted: Provider | "auto" }): Promise<ProviderChoice> {
  const unasked = { troubles: [] };
  const asksCuda = wanted === "cuda" || wanted === "auto";
  const cuda = asksCuda ? await findCuda(means) : unasked;
  const asksWebGpu = wanted === "webgpu" || (wanted === "auto" && cuda.troubles.length > 0);
  const webgpu = asksWebGpu ? await findWebGpu(means) : unasked;
  return resolveProvider(wanted, { cuda, webgpu });
}
