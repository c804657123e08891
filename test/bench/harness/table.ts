/** Where a harness is to ask, and with what. */
export interface AskedEndpoint {
  /** In which the harnesses are installed. */
  readonly python: string;
  /** Of the API, without `/v1`. */
  readonly url: string;
  readonly key: string;
  readonly model: string;
  /** For what it writes. */
  readonly folder: string;
  /** Of an installed package. */
  readonly version: (name: string) => string;
}

/** What one harness made of one set of questions over one wire. */
export interface HarnessRow {
  readonly harness: string;
  readonly version: string;
  /** The model class of the harness that asked. */
  readonly wire: string;
  readonly set: "open" | "yesNo" | "choice";
  readonly questions: number;
  readonly answered: number;
  /** By the harness itself, 0 … 1. */
  readonly score: number;
  readonly metric: string;
}

/** Nothing is fetched: a set that is not here is not to be had, and a hub that is asked for it takes minutes to say no. */
export const OFFLINE = {
  HF_HUB_OFFLINE: "1",
  HF_DATASETS_OFFLINE: "1",
  TRANSFORMERS_OFFLINE: "1",
  OMP_NUM_THREADS: "1",
} as const;

/** A harness takes half a minute to start and a fraction of a second for a question. */
export const RUN_MS = 1_200_000;
