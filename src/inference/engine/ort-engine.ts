import type { Architecture } from "#domain/architecture.ts";
import type { LoadedStage } from "#domain/bundle.ts";
import { type Provider, providerNames } from "#graph/profile.ts";
import type { Engine } from "#model/engine.ts";
import type { GiveBack } from "#weights/spares.ts";
import { denoise } from "./denoise.ts";
import { encodeImage } from "./encode-image.ts";
import type { EngineParts, Observer } from "./engine-parts.ts";
import { KeptPrefix, prefixBytesPerPosition } from "./kept-prefix.ts";
import { loadRuntimeOffThread } from "./off-thread.ts";
import { loadRuntime } from "./ort.ts";
import { createSelfTest, settleProfile } from "./self-test.ts";
import { createSessions, type SessionsOptions } from "./sessions.ts";
import { createTurns } from "./turns.ts";

/** An engine over ONNX Runtime that takes its weights stage by stage, in any order. */
export interface OrtEngine extends Engine {
  /**
   * Makes a stage ready to run. Its bytes are the engine's from here on: a stage that is a whole buffer is detached from its
   * caller. Once the runtime has read it, it is given back to be filled again, or freed at once; the embedding table
   * stays, in memory or put aside.
   * Rejects, and tells everyone who waits, if the stage does not fit the architecture or the provider computes it wrongly
   * (`ProviderMismatchError`).
   */
  accept(stage: LoadedStage, giveBack?: GiveBack): Promise<void>;
  /**
   * Whether each row comes out the same bits in any company, in even numbers of rows, by every kernel that the stages accepted so
   * far need: tested on this machine before the first of them. The rows of several questions may be packed into one pass only where
   * it is true.
   */
  readonly rowsAreIndependent: boolean;
  /** Tells everyone who waits or will wait for a stage that has not come that it will not come. */
  fail(error: Error): void;
  /** Frees the runtime's memory; later calls reject. Waits for the pass that is running. */
  dispose(): Promise<void>;
}

export interface OrtEngineOptions {
  readonly architecture: Architecture;
  readonly provider: Provider;
  /** Threads of one operation; the runtime's own choice (physical cores) if absent. */
  readonly threads?: number;
  /**
   * Whose thread computes: one of the engine's own, so that its caller's stays free, or the caller's, which starts faster and
   * suits models so small that no run is felt. Default: its own.
   */
  readonly thread?: "own" | "callers";
  /** Bytes that one answer may keep of its prompt; absent: whatever it takes. */
  readonly prefixBytes?: number;
  /** Puts bytes where they take no memory; resolves with undefined where they are to stay. Absent: all stays in memory. */
  readonly putAside?: SessionsOptions["putAside"];
  /** For the parity check. Costs copies, and lets the logits leave the head: give none in service. */
  readonly observe?: Observer;
}

/** What an engine can be asked to run on, for rooms that do not see the graphs. */
export const engineProviders: readonly Provider[] = providerNames;

/** Creates an engine without weights; `accept` brings them. Rejects if the provider's runtime cannot be loaded here. */
export async function createOrtEngine(options: OrtEngineOptions): Promise<OrtEngine> {
  const { architecture, provider, threads, thread = "own", observe } = options;
  const load = thread === "callers" ? loadRuntime : loadRuntimeOffThread;
  const runtime = await load(provider, threads);
  const profile = await settleProfile(runtime, provider);
  const selfTest = createSelfTest(runtime, provider, profile);
  const isObserved = observe !== undefined;
  const sessions = createSessions({
    ...{ architecture, profile, runtime, selfTest, isObserved },
    ...(options.putAside === undefined ? {} : { putAside: options.putAside }),
  });
  const takeTurn = createTurns();
  const never = new AbortController().signal;
  let shelves = 0;
  const parts: EngineParts = {
    architecture,
    sessions,
    isObserved,
    observe: observe ?? (() => undefined),
  };
  return {
    architecture,
    encodeImage: (viewsNCHW, signal) =>
      takeTurn(() => encodeImage(parts, viewsNCHW, signal), signal),
    async embedTokens(ids, signal) {
      return (await sessions.embeddings(signal)).rows(ids);
    },
    imageNewline: (signal) => sessions.imageNewline(signal),
    denoise: (pass, signal) => takeTurn(() => denoise(parts, pass, signal), signal),
    prefixLimit: Math.floor(
      (options.prefixBytes ?? Number.POSITIVE_INFINITY) /
        prefixBytesPerPosition(architecture.language),
    ),
    openPrefix() {
      shelves += 1;
      const shelf = shelves;
      // A pass that has been given up may still run its layer: the shelf is cleared behind it. Where that fails the runtime has
      // broken down, and its memory with it.
      const clear = () => void takeTurn(() => runtime.clear(shelf), never).catch(() => undefined);
      return new KeptPrefix(shelf, clear);
    },
    async accept(stage, giveBack) {
      try {
        await sessions.accept(stage, giveBack);
      } catch (error) {
        const fault = error instanceof Error ? error : new Error(String(error));
        sessions.fail(fault);
        throw fault;
      }
    },
    get rowsAreIndependent() {
      return selfTest.rowsAreIndependent;
    },
    fail: (error) => sessions.fail(error),
    async dispose() {
      sessions.fail(new Error("the engine has been disposed"));
      await takeTurn(async () => {
        await sessions.release();
        await runtime.close();
      }, never);
    },
  };
}
