import type { Architecture } from "#domain/architecture.ts";
import type { StageLayout } from "#domain/bundle.ts";
import { createGraph, type Graph, type Value } from "./build.ts";
import { linear } from "./linear.ts";
import { rmsNorm } from "./norm.ts";
import type { OpProfile } from "./profile.ts";

/** A logit so far below the largest has the probability 0 in float32. */
const FAR_BELOW = -1000;

/**
 * The head: from hidden vectors to one decision per row; the logits stay inside.
 *
 *   in   hidden [B, R, D], B = 2 with guidance: conditional, then unconditional · guidance [], scale + 1
 *        suppression [C, V], 0 or −∞, added to the logits · classes [R] int32, which of its rows; or [1] for one and the same
 *        noise [R, V], or [1, 1] holding 0 for none · asked [K] int32, r V + v of each logit that is to be told, K ≥ 0
 *        best [1] int32, N: how many of the largest of each row are to be told, 0 ≤ N ≤ V
 *   out  tokens int32 · chosenLogits · maxLogits · runnerUpLogits · tails · slopes, all [R]: see `Predictions`
 *        askedLogits [K], after suppression · bestTokens int32, bestLogits [R, N], largest first, in ties the lowest column
 *        observed only: normed [B, R, D], logits [R, V] before suppression
 *
 * V is `logitsColumns`. One graph serves every combination, because a second one would hold the head's weights, the largest of all
 * stages, a second time: without noise the row of zeros is broadcast, without guidance u = c and u + s (c − u) is exactly c, and of
 * nothing asked nothing is computed.
 */
export function headGraph(
  architecture: Architecture,
  stage: StageLayout,
  profile: OpProfile,
  isObserved: boolean,
): Uint8Array<ArrayBuffer> {
  const { language, logitsColumns } = architecture;
  const graph = createGraph("head");
  const weights = { graph, stage, profile };
  const hidden = graph.input("hidden", "FLOAT", ["B", "R", language.hiddenSize]);
  const normed = rmsNorm(weights, hidden, "norm", language.rmsNormEpsilon);
  const stored = linear(weights, guide(graph, normed)); // [R, vocabSize]
  const logits =
    logitsColumns === language.vocabSize
      ? stored
      : graph.node("Slice", [
          stored,
          graph.integers([0]),
          graph.integers([logitsColumns]),
          graph.integers([-1]),
        ]);
  if (isObserved) {
    graph.output("normed", normed, "FLOAT", ["B", "R", language.hiddenSize]);
    graph.output("logits", logits, "FLOAT", ["R", logitsColumns]);
  }
  choose(graph, logits, logitsColumns);
  return graph.toBytes();
}

/**
 * u + s (c − u) on the vectors in place of the logits: the linear that follows makes them the same, and it then runs over R rows, not 2 R.
 * [B, R, D] → [R, D].
 */
function guide(graph: Graph, normed: Value): Value {
  const scale = graph.input("guidance", "FLOAT", []);
  const conditional = graph.node("Gather", [normed, graph.integers([0], [])]);
  const unconditional = graph.node("Gather", [normed, graph.integers([-1], [])]);
  const difference = graph.node("Sub", [conditional, unconditional]);
  return graph.node("Add", [unconditional, graph.node("Mul", [difference, scale])]);
}

function choose(graph: Graph, logits: Value, columns: number): void {
  const suppression = graph.input("suppression", "FLOAT", ["C", columns]);
  const classes = graph.input("classes", "INT32", ["classRows"]);
  const noise = graph.input("noise", "FLOAT", ["noiseRows", "noiseColumns"]);
  const allowed = graph.node("Add", [logits, graph.node("Gather", [suppression, classes])]); // [R, V]
  tellAsked(graph, allowed);
  tellBest(graph, allowed);
  const best = lowestArgMax(graph, allowed); // [R, 1]
  const token = lowestArgMax(graph, graph.node("Add", [allowed, noise])); // [R, 1]
  const maximum = graph.node("GatherElements", [allowed, best], { attributes: { axis: -1 } });
  const chosen = graph.node("GatherElements", [allowed, token], { attributes: { axis: -1 } });
  // Without its largest term the sum keeps its digits even where the answer is all but certain.
  const infinity = graph.node("Sub", [maximum, graph.floats([Number.POSITIVE_INFINITY], [])]);
  const others = graph.node("ScatterElements", [allowed, best, infinity], {
    attributes: { axis: -1 },
  });
  const lastAxis = graph.integers([-1]);
  const below = graph.node("Sub", [others, maximum]);
  const terms = graph.node("Exp", [below]);
  // A suppressed column is infinitely far below, and 0 · −∞ would be no number.
  const finite = graph.node("Max", [below, graph.floats([FAR_BELOW], [])]);
  const reduced = { attributes: { keepdims: 0 } };
  graph.output("tokens", graph.cast(squeeze(graph, token), "INT32"), "INT32", ["R"]);
  graph.output("chosenLogits", squeeze(graph, chosen), "FLOAT", ["R"]);
  graph.output("maxLogits", squeeze(graph, maximum), "FLOAT", ["R"]);
  graph.output("runnerUpLogits", graph.node("ReduceMax", [others, lastAxis], reduced), "FLOAT", [
    "R",
  ]);
  graph.output("tails", graph.node("ReduceSum", [terms, lastAxis], reduced), "FLOAT", ["R"]);
  const weighted = graph.node("Mul", [terms, finite]);
  graph.output("slopes", graph.node("ReduceSum", [weighted, lastAxis], reduced), "FLOAT", ["R"]);
}

function tellAsked(graph: Graph, allowed: Value): void {
  const asked = graph.input("asked", "INT32", ["K"]);
  const inOneRow = graph.node("Reshape", [allowed, graph.integers([-1])]);
  graph.output("askedLogits", graph.node("Gather", [inOneRow, asked]), "FLOAT", ["K"]);
}

/** The operator takes the lower place in ties. Source: ONNX, TopK-11. */
function tellBest(graph: Graph, allowed: Value): void {
  const count = graph.cast(graph.input("best", "INT32", [1]), "INT64");
  const [logits, places] = graph.results("TopK", [allowed, count], 2);
  if (logits === undefined || places === undefined) throw new Error("TopK has two results");
  graph.output("bestLogits", logits, "FLOAT", ["R", "N"]);
  graph.output("bestTokens", graph.cast(places, "INT32"), "INT32", ["R", "N"]);
}

function lowestArgMax(graph: Graph, values: Value): Value {
  return graph.node("ArgMax", [values], { attributes: { axis: -1, select_last_index: 0 } });
}

function squeeze(graph: Graph, column: Value): Value {
  return graph.node("Squeeze", [column, graph.integers([-1])]);
}
