import type { Architecture } from "#domain/architecture.ts";
import type { LoadedStage } from "#domain/bundle.ts";
import type { OpProfile, Provider } from "#graph/profile.ts";
import type { Engine, ForwardPass, Predictions } from "#model/engine.ts";
import type { GiveBack } from "#weights/spares.ts";
import type { Arithmetic } from "./arithmetic.ts";
import type { DeviceParts } from "./device/device-layers.ts";
import { denoiseOnDevice } from "./device/device-pass.ts";
import { createDeviceSteps } from "./device/device-steps.ts";
import { LAYERS_AT_ONCE, layerGroups } from "./device/layer-groups.ts";
import { type EngineParts, type Observer, SEQUENCES_AT_ONCE } from "./engine-parts.ts";
import { denoise } from "./passes/denoise.ts";
import { encodeImage } from "./passes/encode-image.ts";
import { KeptPrefix } from "./passes/kept-prefix.ts";
import { createLockstep, denoiseTogether, gainsByCompany } from "./passes/lockstep.ts";
import { createPrefixBudget } from "./passes/prefix-budget.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { createSelfTest, settleProfile } from "./self-test/self-test.ts";
import { createSessions, type SessionsOptions } from "./stages/sessions.ts";
import type { Claim } from "./turn-order.ts";
import { type Asking, createTurns } from "./turns.ts";

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
  /** What its last bits depend on besides its weights. */
  readonly arithmetic: Arithmetic;
  /**
   * The engine as one answer sees it: its passes come in their turn among those of others, small ones together with others'. `claim` is asked before each of them.
   */
  ofAnswer(claim: () => Claim): Engine;
  /** Tells everyone who waits or will wait for a stage that has not come that it will not come. */
  fail(error: Error): void;
  /** Frees the runtime's memory; later calls reject. Waits for the pass that is running. */
  dispose(): Promise<void>;
}

export interface OrtEngineOptions {
  readonly architecture: Architecture;
  readonly provider: Provider;
  /** The provider's runtime, which is the engine's from here on. The tests also run a provider's graphs on another one's runtime. */
  readonly runtime: Runtime;
  /** What its last bits depend on besides its weights. */
  readonly arithmetic: Arithmetic;
  /** Bytes that all answers together may keep of their prompts; absent: whatever they take. */
  readonly prefixBytes?: number;
  /** Puts bytes where they take no memory; resolves with undefined where they are to stay. Absent: all stays in memory. */
  readonly putAside?: SessionsOptions["putAside"];
  /** For the parity check. Costs copies, and lets the logits leave the head: give none in service. */
  readonly observe?: Observer;
}

/** Creates an engine without weights; `accept` brings them. Rejects if the runtime breaks over what tells its op forms. */
export async function createOrtEngine(options: OrtEngineOptions): Promise<OrtEngine> {
  const { architecture, provider, runtime, arithmetic, observe } = options;
  const profile = await settleProfile(runtime, provider);
  const selfTest = createSelfTest(runtime, provider, profile);
  const isObserved = observe !== undefined;
  const device = await openDevice(runtime, architecture, profile);
  const sessions = createSessions({
    ...{ architecture, profile, runtime, selfTest, isObserved },
    ...(device === undefined ? {} : { groups: device.groups }),
    ...(options.putAside === undefined ? {} : { putAside: options.putAside }),
  });
  const takeTurn = createTurns({ together: SEQUENCES_AT_ONCE });
  const never = new AbortController().signal;
  let shelves = 0;
  const openShelf = (): number => {
    shelves += 1;
    return shelves;
  };
  const parts: EngineParts = {
    architecture,
    sessions,
    isObserved,
    observe: observe ?? (() => undefined),
  };
  const budget = createPrefixBudget(
    architecture.language,
    options.prefixBytes ?? Number.POSITIVE_INFINITY,
  );
  const inLockstep = createLockstep((members) => denoiseTogether(parts, members));
  const runAlone = (pass: ForwardPass, signal: AbortSignal): Promise<Predictions> =>
    device === undefined
      ? denoise(parts, pass, signal)
      : denoiseOnDevice({ ...parts, ...device }, pass, openShelf(), signal);
  const clear = async (shelf: number): Promise<void> => {
    await runtime.clear(shelf);
    budget.free(shelf);
  };
  const canShareTurn = (pass: ForwardPass): boolean =>
    !isObserved && selfTest.rowsAreIndependent && gainsByCompany(pass);
  const seenBy = (asking: () => Asking): Engine => ({
    architecture,
    encodeImage: (viewsNCHW, signal, onTower) =>
      takeTurn(() => encodeImage(parts, viewsNCHW, signal, onTower), signal, asking()),
    async embedTokens(ids, signal) {
      return (await sessions.embeddings(signal)).rows(ids);
    },
    imageNewline: (signal) => sessions.imageNewline(signal),
    denoise(pass, signal) {
      const sharesTurn = device === undefined && canShareTurn(pass);
      const work = (): Promise<Predictions> => {
        budget.hold(pass);
        return sharesTurn ? inLockstep({ pass, signal }) : runAlone(pass, signal);
      };
      const fits = (): boolean => budget.fits(pass);
      return takeTurn(work, signal, { ...asking(), fits, sharesTurn });
    },
    prefixLimit: budget.positions,
    openPrefix() {
      const shelf = openShelf();
      // A pass that has been given up may still run its layer: the shelf is cleared behind it. Where that fails the runtime has
      // broken down, and its memory with it.
      return new KeptPrefix(
        shelf,
        () => void takeTurn(() => clear(shelf), never).catch(() => undefined),
      );
    },
  });
  return {
    ...seenBy(() => ({})),
    ofAnswer(claim) {
      const answer = {};
      return seenBy(() => ({ answer, claim: claim() }));
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
    arithmetic,
    fail: (error) => sessions.fail(error),
    async dispose() {
      sessions.fail(new Error("the engine has been disposed"));
      await takeTurn(async () => {
        await sessions.release();
        await device?.steps.release();
        await runtime.close();
      }, never);
    },
  };
}

/** What passes need where vectors stay with the runtime; undefined where they do not. */
async function openDevice(
  runtime: Runtime,
  architecture: Architecture,
  profile: OpProfile,
): Promise<Omit<DeviceParts, keyof EngineParts> | undefined> {
  if (profile.tensors !== "device") return undefined;
  const steps = await createDeviceSteps(runtime, architecture, profile);
  return { runtime, steps, groups: layerGroups(architecture.language, LAYERS_AT_ONCE) };
}
