import type { Architecture } from "#domain/architecture.ts";
import {
  type LoadedStage,
  layerStage,
  type StageLayout,
  type StageName,
  stageNames,
} from "#domain/bundle.ts";
import { decoderLayerGraph } from "#graph/decoder-layer.ts";
import { headGraph } from "#graph/head.ts";
import type { OpProfile } from "#graph/profile.ts";
import { projectorGraph } from "#graph/projector.ts";
import { visionGraph } from "#graph/vision.ts";
import type { GiveBack } from "#weights/spares.ts";
import type { ScratchFile } from "../loading/scratch-file.ts";
import { type EmbeddingTable, openEmbeddingTable, readVector } from "./embedding-table.ts";
import { SEQUENCES_AT_ONCE } from "./engine-parts.ts";
import type { Runtime, Session } from "./ort.ts";
import { createReadiness, type Readiness } from "./readiness.ts";
import type { SelfTest } from "./self-test.ts";

/** The stages of one model as they become ready to run, each on its own. */
export interface Sessions {
  /**
   * Makes a stage ready. Its bytes are the runtime's from here on, which gives the buffer back; those of the embedding table
   * are kept, or put aside. Rejects if the stage does not fit the architecture.
   */
  accept(stage: LoadedStage, giveBack?: GiveBack): Promise<void>;
  /** Gives up on all stages that are not ready: everyone who waits or will wait for one is rejected with this error. */
  fail(error: Error): void;
  session(name: StageName, signal: AbortSignal): Promise<Session>;
  layer(index: number, signal: AbortSignal): Promise<Session>;
  embeddings(signal: AbortSignal): Promise<EmbeddingTable>;
  /** The learned vector [D] that ends each row of image vectors. */
  imageNewline(signal: AbortSignal): Promise<Float32Array>;
  /** Frees all sessions that have been made. Nothing must be running. */
  release(): Promise<void>;
}

export interface SessionsOptions {
  readonly architecture: Architecture;
  readonly profile: OpProfile;
  readonly runtime: Runtime;
  readonly selfTest: SelfTest;
  /** Where an embedding table may lie instead of memory; resolves with undefined where it is to stay. */
  readonly putAside?: (bytes: Uint8Array) => Promise<ScratchFile | undefined>;
  /** Whether graphs also yield what goes on inside them. */
  readonly isObserved: boolean;
}

/** Creates the stages of an architecture, none of them ready yet. */
export function createSessions(options: SessionsOptions): Sessions {
  const { architecture, runtime, selfTest } = options;
  const sessions = new Map<StageName, Readiness<Session>>(
    stageNames(architecture)
      .filter((name) => name !== "embed")
      .map((name) => [name, createReadiness<Session>()]),
  );
  const embeddings = createReadiness<EmbeddingTable>();
  const imageNewline = createReadiness<Float32Array>();
  const asides: ScratchFile[] = [];
  const modelOf = memoizeModels(options);

  async function openTable(stage: LoadedStage, giveBack?: GiveBack): Promise<EmbeddingTable> {
    const file = await options.putAside?.(stage.bytes);
    if (file === undefined) return openEmbeddingTable(stage);
    asides.push(file);
    if (stage.bytes.buffer instanceof ArrayBuffer) {
      giveBack?.(stage.bytes as Uint8Array<ArrayBuffer>);
    }
    return openEmbeddingTable({ layout: stage.layout, bytes: new Uint8Array() }, file.read);
  }

  function readinessOf(name: StageName): Readiness<Session> {
    const readiness = sessions.get(name);
    if (readiness === undefined) throw new Error(`this architecture has no stage ${name}`);
    return readiness;
  }

  return {
    async accept(stage, giveBack) {
      const { name } = stage.layout;
      if (name === "embed") {
        embeddings.settle(await openTable(stage, giveBack));
        return;
      }
      if (name === "projector") imageNewline.settle(await readVector(stage, "image_newline"));
      const readiness = readinessOf(name);
      await selfTest.check(stage.layout);
      const model = modelOf(stage.layout);
      const session = await runtime.createSession(
        name,
        model,
        stage.bytes,
        giveBack === undefined ? {} : { giveBack },
      );
      // The engine may have been disposed meanwhile; then nobody else would ever release it.
      if (!readiness.settle(session)) await session.release();
    },
    fail(error) {
      embeddings.fail(error);
      imageNewline.fail(error);
      for (const readiness of sessions.values()) readiness.fail(error);
    },
    session: async (name, signal) => readinessOf(name).wait(signal),
    layer: async (index, signal) => readinessOf(layerStage(index)).wait(signal),
    embeddings: (signal) => embeddings.wait(signal),
    async imageNewline(signal) {
      if (architecture.vision === undefined)
        throw new Error("this architecture has no vision tower");
      return (await imageNewline.wait(signal)).slice();
    },
    async release() {
      await Promise.all([...sessions.values()].map((readiness) => readiness.value?.release()));
      await Promise.all(asides.splice(0).map((file) => file.close()));
    },
  };
}

/** Layers that lie alike have the same graph, so its bytes are built once; only the weights beside them differ. */
function memoizeModels(options: SessionsOptions): (stage: StageLayout) => Uint8Array {
  const models = new Map<string, Uint8Array>();
  return function modelOf(stage) {
    const kind = isInnerLayer(options.architecture, stage.name) ? "layer" : stage.name;
    const key = JSON.stringify([kind, stage.tensors]);
    const model = models.get(key) ?? buildModel(options, stage);
    models.set(key, model);
    return model;
  };
}

/** Of the last layer only the positions that the head is asked about go on. */
function isInnerLayer({ language }: Architecture, name: StageName): boolean {
  return name.startsWith("layer-") && name !== layerStage(language.layers - 1);
}

function buildModel(options: SessionsOptions, stage: StageLayout): Uint8Array {
  const { architecture, profile, isObserved } = options;
  const { language, vision } = architecture;
  if (stage.name === "head") return headGraph(architecture, stage, profile, isObserved);
  if (stage.name.startsWith("layer-")) {
    const queries = isInnerLayer(architecture, stage.name) ? "all" : "last";
    return decoderLayerGraph(language, stage, profile, queries, SEQUENCES_AT_ONCE);
  }
  if (vision === undefined) throw new Error(`stage ${stage.name} needs a vision tower`);
  return stage.name === "vision"
    ? visionGraph(vision, stage, profile, isObserved)
    : projectorGraph(vision, language, stage, profile);
}
