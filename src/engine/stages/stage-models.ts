import type { Architecture } from "#domain/architecture.ts";
import { layerStage, type StageLayout, type StageName } from "#domain/bundle.ts";
import { decoderLayerGraph, type Queries } from "#graph/decoder-layer.ts";
import { deviceHeadGraph } from "#graph/device/head.ts";
import { deviceLayersGraph, numberOf } from "#graph/device/layers.ts";
import { headGraph } from "#graph/head.ts";
import type { OpProfile } from "#graph/profile.ts";
import { projectorGraph } from "#graph/projector.ts";
import { visionGraph } from "#graph/vision.ts";
import { SEQUENCES_AT_ONCE } from "../engine-parts.ts";

export interface ModelOptions {
  readonly architecture: Architecture;
  readonly profile: OpProfile;
  /** Whether graphs also yield what goes on inside them. */
  readonly isObserved: boolean;
}

/** The graph of one session, and which of its outputs only ever stay with a device. */
export interface StageModel {
  readonly model: Uint8Array;
  readonly staying: readonly string[];
}

/**
 * Builds the graphs of sessions: of one stage, or of layers that run in one. Those that lie alike have the same graph, so its bytes
 * are built once; only the weights beside them differ.
 */
export function memoizeModels(
  options: ModelOptions,
): (stages: readonly StageLayout[]) => StageModel {
  const models = new Map<string, StageModel>();
  return function modelOf(stages) {
    const names = stages.map(({ name }) => name);
    const kind = isInner(options.architecture, names) ? ["layer"] : names;
    const key = JSON.stringify([kind, stages.map(({ tensors }) => tensors)]);
    const model = models.get(key) ?? buildModel(options, stages);
    models.set(key, model);
    return model;
  };
}

/** Of the last layer only the positions that the head is asked about go on. */
function isInner({ language }: Architecture, names: readonly StageName[]): boolean {
  return names.every(
    (name) => name.startsWith("layer-") && name !== layerStage(language.layers - 1),
  );
}

/** Which positions of a layer's window go on into the next one. */
export function queriesOf(architecture: Architecture, layer: StageName): Queries {
  return isInner(architecture, [layer]) ? "all" : "last";
}

function buildModel(options: ModelOptions, stages: readonly StageLayout[]): StageModel {
  const [stage] = stages;
  if (stage === undefined) throw new RangeError("a session of no stage");
  return options.profile.tensors === "device"
    ? deviceModel(options, stage, stages)
    : { model: hostModel(options, stage), staying: [] };
}

function hostModel(options: ModelOptions, stage: StageLayout): Uint8Array {
  const { architecture, profile, isObserved } = options;
  if (stage.name === "head") return headGraph(architecture, stage, profile, isObserved);
  if (!stage.name.startsWith("layer-")) return imageModel(options, stage);
  const queries = queriesOf(architecture, stage.name);
  return decoderLayerGraph(architecture.language, stage, profile, queries, SEQUENCES_AT_ONCE);
}

function deviceModel(
  options: ModelOptions,
  stage: StageLayout,
  stages: readonly StageLayout[],
): StageModel {
  const { architecture, profile, isObserved } = options;
  if (stage.name === "head") {
    const model = deviceHeadGraph(architecture, stage, profile, isObserved);
    return { model, staying: ["allowed"] };
  }
  if (stage.name.startsWith("layer-")) {
    const endsTower = !isInner(
      architecture,
      stages.map(({ name }) => name),
    );
    const form = { endsTower, isObserved };
    const kept = stages.flatMap((_, place) =>
      ["keys", "values"].map((name) => `${name}${numberOf(place)}`),
    );
    return {
      model: deviceLayersGraph(architecture.language, stages, profile, form),
      staying: ["hiddenOut", ...kept],
    };
  }
  return { model: imageModel(options, stage), staying: [] };
}

function imageModel(
  { architecture: { vision, language }, profile, isObserved }: ModelOptions,
  stage: StageLayout,
): Uint8Array {
  if (vision === undefined) throw new Error(`stage ${stage.name} needs a vision tower`);
  return stage.name === "vision"
    ? visionGraph(vision, stage, profile, isObserved)
    : projectorGraph(vision, language, stage, profile);
}
