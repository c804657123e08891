import type {
  FunctionLoad,
  FunctionReport,
  PickTerms,
  Standing,
} from "#edge/fleet/policy/fleet.ts";
import { freshStanding } from "#edge/fleet/policy/standing.ts";
import { mulberry32 } from "#model/decode/noise.ts";

/** Milliseconds since 1970 at which the tests of the policy take place. */
export const NOW = 1_800_000_000_000;

export const DIGEST: string = "a".repeat(64);

/** What a function that has nothing to do reports. */
export function reportOf(
  url: string,
  told: Partial<Omit<FunctionReport, "load">> & { readonly load?: Partial<FunctionLoad> } = {},
): FunctionReport {
  return {
    url,
    region: "here",
    provider: "cpu",
    model: "demo",
    digest: DIGEST,
    numerics: `cpu/ort/avx2/alone/${DIGEST}`,
    state: { kind: "warm" },
    heardAt: NOW,
    ...told,
    load: {
      ...{ queuedSteps: 0, msPerStep: 10, running: 0, waiting: 0, places: 4, queueLength: 16 },
      ...told.load,
    },
  };
}

/** The terms of an answer of eight steps that may go anywhere. */
export function termsOf(terms: Partial<PickTerms> = {}): PickTerms {
  return {
    steps: 8,
    share: 0.5,
    canary: null,
    digest: null,
    numerics: null,
    region: "here",
    tried: new Set(),
    now: NOW,
    random: randomOf(15),
    ...terms,
  };
}

export function standingOf(seen: Partial<Standing>): Standing {
  return { ...freshStanding, ...seen };
}

/** Numbers from 0 up to 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  const stream = mulberry32(seed);
  return () => stream.next();
}
