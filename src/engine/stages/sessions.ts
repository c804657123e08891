import { type LoadedStage, layerStage, type StageName, stageNames } from "#domain/bundle.ts";
import type { GiveBack } from "#weights/spares.ts";
import type { LayerGroup } from "../device/layer-groups.ts";
import type { Runtime, Session } from "../runtime/runtime.ts";
import type { SelfTest } from "../self-test/self-test.ts";
import { type EmbeddingTable, openEmbeddingTable, readVector } from "./embedding-table.ts";
import { createReadiness, type Readiness } from "./readiness.ts";
import { type ModelOptions, memoizeModels, queriesOf } from "./stage-models.ts";

/** The stages of one model as they become ready to run, each on its own. */
export interface Sessions {
  /**
   * Makes a stage ready. Its bytes are the runtime's from here on, which gives the buffer back; those of the embedding table
   * are kept, or put aside, and those of layers that run in one session are kept until the last of them has come. Rejects if
   * the stage does not fit the architecture.
   */
  accept(stage: LoadedStage, giveBack?: GiveBack): Promise<void>;
  /** Gives up on all stages that are not ready: everyone who waits or will wait for one is rejected with this error. */
  fail(error: Error): void;
  session(name: StageName, signal: AbortSignal): Promise<Session>;
  /** The session that a layer is the first of. */
  layer(index: number, signal: AbortSignal): Promise<Session>;
  embeddings(signal: AbortSignal): Promise<EmbeddingTable>;
  /** The learned vector [D] that ends each row of image vectors. */
  imageNewline(signal: AbortSignal): Promise<Float32Array>;
  /** Frees all sessions that have been made. Nothing must be running. */
  release(): Promise<void>;
}

/** Bytes that have been put where they take no memory, and are read again in pieces. */
export interface AsideBytes {
  /** Reads exactly that many bytes. Throws an Error where there are fewer. */
  read(offset: number, bytes: number): ArrayBuffer | Promise<ArrayBuffer>;
  close(): Promise<void>;
}

export interface SessionsOptions extends ModelOptions {
  readonly runtime: Runtime;
  readonly selfTest: SelfTest;
  /** Where an embedding table may lie instead of memory; resolves with undefined where it is to stay. */
  readonly putAside?: (bytes: Uint8Array) => Promise<AsideBytes | undefined>;
  /** Layers that run in one session; absent: each in its own. */
  readonly groups?: readonly LayerGroup[];
}

/** A stage that waits for those that run in one session with it. */
interface Arrived {
  readonly stage: LoadedStage;
  readonly giveBack: GiveBack | undefined;
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
  const asides: AsideBytes[] = [];
  const modelOf = memoizeModels(options);
  const arrived = new Map<StageName, Arrived>();

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

  /** The stages that run in one session with this one, in order. */
  function membersOf(name: StageName): readonly StageName[] {
    for (const { from, to } of options.groups ?? []) {
      const names = Array.from({ length: to - from }, (_, index) => layerStage(from + index));
      if (names.includes(name)) return names;
    }
    return [name];
  }

  /** A layer that the runtime computes without a graph; undefined: it does not. */
  async function openLayer([member, ...others]: readonly Arrived[]): Promise<Session | undefined> {
    if (member === undefined || others.length > 0) return undefined;
    const { stage, giveBack } = member;
    const { name } = stage.layout;
    if (!name.startsWith("layer-")) return undefined;
    return await runtime.openLayer?.({
      ...{ tower: architecture.language, stage, queries: queriesOf(architecture, name) },
      ...(giveBack === undefined ? {} : { giveBack }),
    });
  }

  async function openGraph(name: StageName, together: readonly Arrived[]): Promise<Session> {
    const { model, staying } = modelOf(together.map(({ stage }) => stage.layout));
    const bytes = together.map(({ stage }) => stage.bytes);
    const giveBack = together.find((member) => member.giveBack !== undefined)?.giveBack;
    const own = giveBack === undefined ? {} : { giveBack };
    return await runtime.createSession(name, model, bytes, { staying, ...own });
  }

  async function createSession(together: readonly Arrived[]): Promise<void> {
    const layouts = together.map(({ stage }) => stage.layout);
    const [first] = layouts;
    if (first === undefined) return;
    for (const { name } of layouts) arrived.delete(name);
    const session = (await openLayer(together)) ?? (await openGraph(first.name, together));
    // The engine may have been disposed meanwhile; then nobody else would ever release it.
    if (!readinessOf(first.name).settle(session)) await session.release();
  }

  return {
    async accept(stage, giveBack) {
      const { name } = stage.layout;
      if (name === "embed") {
        embeddings.settle(await openTable(stage, giveBack));
        return;
      }
      if (name === "projector") imageNewline.settle(await readVector(stage, "image_newline"));
      readinessOf(name);
      await selfTest.check(stage.layout);
      arrived.set(name, { stage, giveBack });
      const together = membersOf(name).map((member) => arrived.get(member));
      if (together.every((member) => member !== undefined)) await createSession(together);
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
