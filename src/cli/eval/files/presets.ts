import type { Metric } from "../scoring/metrics.ts";
import { CHOICE_SUFFIX } from "./read-question.ts";
import type { ColumnMap } from "./recognise.ts";

/** How LLaDA-V was measured on a benchmark. */
export interface Preset {
  readonly name: string;
  /** Positions to fill; the block is the whole canvas in all published results. */
  readonly canvas: number;
  readonly steps: number;
  /** What the model's own columns have behind the question: the switch between its two ways of answering. */
  readonly thinking: " /no_think" | " /think";
  readonly stop: readonly string[];
  readonly suffix: string;
  readonly choiceSuffix: string;
  readonly metric: Metric;
  readonly map: ColumnMap;
  /** Where what is done here differs from what was published; empty where it does not. */
  readonly differs: string;
}

const SHORT = "\nAnswer the question using a single word or phrase.";

const OPTION: Omit<Preset, "name"> = {
  canvas: 2,
  steps: 2,
  thinking: " /no_think",
  stop: [],
  suffix: SHORT,
  choiceSuffix: CHOICE_SUFFIX,
  metric: "exact",
  map: {},
  differs: "",
};

const BY_MODEL = "answers are extracted by rule, there by a language model";

/**
 * Source of canvas, steps, thinking and stop texts: ML-GSAI/LLaDA-V, `eval/scripts/evaluate.sh` (temperature 0, low-confidence
 * remasking, one block); of what stands behind a question: the tasks of EvolvingLMMs-Lab/lmms-eval, which that script runs.
 */
export const PRESETS: readonly Preset[] = [
  {
    ...OPTION,
    name: "mmmu",
    differs:
      "pictures stand before the text, there at their marks; an open answer is compared as a whole",
  },
  { ...OPTION, name: "mmmu-pro", differs: "pictures stand before the text, there at their marks" },
  { ...OPTION, name: "mmstar" },
  { ...OPTION, name: "ai2d" },
  { ...OPTION, name: "seedbench" },
  { ...OPTION, name: "mmbench", differs: BY_MODEL },
  { ...OPTION, name: "muirbench", differs: "pictures stand before the text, there at their marks" },
  {
    ...OPTION,
    name: "mme",
    differs: "the share of right answers, there points of accuracy and of pairs",
  },
  { ...OPTION, name: "realworldqa", suffix: "" },
  {
    ...OPTION,
    name: "chartqa",
    canvas: 16,
    steps: 16,
    stop: ["\n"],
    metric: "relaxed",
  },
  { ...OPTION, name: "docvqa", canvas: 32, steps: 16, metric: "anls" },
  { ...OPTION, name: "infovqa", canvas: 32, steps: 16, metric: "anls" },
  {
    ...OPTION,
    name: "mathvista",
    canvas: 96,
    steps: 48,
    thinking: " /think",
    suffix: "",
    choiceSuffix: "",
    metric: "number",
    // Its `query` is the question with hint and choices, as its authors put it.
    map: { question: ["query"] },
    differs: BY_MODEL,
  },
  {
    ...OPTION,
    name: "mathverse",
    canvas: 64,
    steps: 32,
    thinking: " /think",
    suffix: "",
    choiceSuffix: "",
    metric: "number",
    differs: BY_MODEL,
  },
];
