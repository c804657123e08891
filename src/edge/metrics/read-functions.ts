import { type KnownFunction, type KnownLoad, watchedStates } from "../models/function-watch.ts";
import { modelStandings } from "../models/model-standing.ts";
import type { EdgeMetric } from "./catalog.ts";
import type { Sample } from "./exposition.ts";

/** Stands for the model of a function that nobody has heard. */
const UNKNOWN = "unknown";

/** Tells how the functions are, by model: every state of each, so that none is missing when it is wanted. */
export function readFunctions(functions: readonly KnownFunction[]): readonly Sample<EdgeMetric>[] {
  const models = [...new Set(functions.map(({ model }) => model ?? UNKNOWN))].sort();
  const etas = modelStandings(functions, undefined).flatMap(({ id, state, etaSeconds }) =>
    state === "loading" && etaSeconds !== null
      ? [{ name: "unmask_edge_model_eta_seconds" as const, labels: [id], value: etaSeconds }]
      : [],
  );
  return [...models.flatMap((model) => ofModel(model, functions)), ...etas];
}

function ofModel(
  model: string,
  functions: readonly KnownFunction[],
): readonly Sample<EdgeMetric>[] {
  const own = functions.filter((one) => (one.model ?? UNKNOWN) === model);
  const sum = (member: keyof KnownLoad): number =>
    own.reduce((total, { load }) => total + (load?.[member] ?? 0), 0);
  return [
    ...watchedStates.map((state) => ({
      name: "unmask_edge_functions" as const,
      labels: [model, state],
      value: own.filter((one) => one.state === state).length,
    })),
    { name: "unmask_edge_answers_running", labels: [model], value: sum("running") },
    { name: "unmask_edge_answers_waiting", labels: [model], value: sum("waiting") },
    { name: "unmask_edge_places", labels: [model], value: sum("places") },
    { name: "unmask_edge_queue_steps", labels: [model], value: sum("queuedSteps") },
  ];
}
