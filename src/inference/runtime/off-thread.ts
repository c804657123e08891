import { Worker } from "node:worker_threads";
import type { KeepOrder } from "#engine/runtime/kept-tensors.ts";
import type { Runtime, Session, SessionInput, SessionTensor } from "#engine/runtime/runtime.ts";
import { stageBuffers } from "#engine/runtime/stage-bytes.ts";
import type { Provider } from "#graph/profile.ts";
import type { CudaSettings } from "./cuda/cuda-runtime.ts";

/** What the thread is told at its start. */
export interface ThreadSetup {
  readonly provider: Provider;
  readonly threads?: number;
  readonly cuda?: CudaSettings;
}

/** What the thread is asked, each with a number that its reply carries. */
export type ThreadRequest = { readonly id: number } & ThreadOrder;

type ThreadOrder =
  | { readonly kind: "load" }
  | {
      readonly kind: "create";
      readonly name: string;
      readonly model: Uint8Array;
      readonly stage: readonly Uint8Array<ArrayBuffer>[];
      readonly staying: readonly string[];
      /** Whether the reply is to bring the buffers back; otherwise their memory is freed there. */
      readonly isAwaited: boolean;
    }
  | {
      readonly kind: "run";
      readonly session: number;
      readonly inputs: Readonly<Record<string, SessionInput>>;
      readonly outputs: readonly string[];
      readonly keep: Readonly<Record<string, KeepOrder>>;
    }
  | { readonly kind: "release"; readonly session: number }
  | { readonly kind: "clear"; readonly shelf: number }
  | { readonly kind: "close" };

export interface ThreadReply {
  readonly id: number;
  readonly session?: number;
  readonly keepsAcrossSessions?: boolean;
  readonly arithmetic?: NonNullable<Runtime["arithmetic"]>;
  readonly stage?: readonly Uint8Array<ArrayBuffer>[];
  readonly outputs?: Readonly<Record<string, SessionTensor>>;
  /** Present exactly if the request failed. */
  readonly error?: unknown;
}

/**
 * Loads a provider's runtime in a thread of its own. The native runtime computes on the thread that calls it: an 8B layer
 * over 600 positions took 3 s on two shared cores, in which a function could neither stream, nor answer a health check, nor notice
 * that a caller has left. Inputs are copied to the thread (10 MB for such a layer); stages and results change hands; what runs keep
 * stays in the thread.
 */
export async function loadRuntimeOffThread(
  provider: Provider,
  threads?: number,
  cuda?: CudaSettings,
): Promise<Runtime> {
  const setup: ThreadSetup = {
    provider,
    ...(threads === undefined ? {} : { threads }),
    ...(cuda === undefined ? {} : { cuda }),
  };
  const open = Array.from({ length: threadCounts[provider] }, () => openThread(setup));
  const [loaded] = await Promise.all(open.map(({ ask }) => ask({ kind: "load" })));
  const runs = createRunCount();
  return {
    keepsAcrossSessions: loaded?.keepsAcrossSessions ?? false,
    ...(loaded?.arithmetic === undefined ? {} : { arithmetic: loaded.arithmetic }),
    async createSession(name, model, stage, { giveBack, staying = [] } = {}) {
      const owned = stageBuffers(stage).map(ownBuffer);
      if (!runs.areNone()) await runs.none();
      const { ask } = open.reduce((idlest, thread) =>
        thread.pending() < idlest.pending() ? thread : idlest,
      );
      const isAwaited = giveBack !== undefined;
      const order = { kind: "create", name, model, stage: owned, staying, isAwaited } as const;
      const buffers = owned.map(({ buffer }) => buffer);
      const { session, stage: read = [] } = await ask(order, buffers);
      if (session === undefined) throw new Error(`the thread made no session of stage ${name}`);
      for (const bytes of read) giveBack?.(bytes);
      return remoteSession(ask, session, runs);
    },
    async clear(shelf) {
      await Promise.all(open.map(({ ask }) => ask({ kind: "clear", shelf })));
    },
    async close() {
      await Promise.all(open.map((thread) => thread.end()));
    },
  };
}

/**
 * A session lives on the thread that made it, and making one of an 8B layer keeps a core busy for half a second: two threads
 * make two at once while weights arrive. One runs at a time all the same. The wasm runtime has a heap and a pool of its own
 * on each thread, so there it is one; and what sessions leave with a device is that thread's alone.
 */
const threadCounts: Readonly<Record<Provider, number>> = { cpu: 2, wasm: 1, webgpu: 1, cuda: 1 };

/**
 * A pass that rides on a load goes first. Were a session begun on one thread while the pass runs on the other, the pass would
 * come upon a busy thread at nearly every layer, and end long after the last byte: measured 1.47 times its time.
 */
interface RunCount {
  /** Counts a run as long as it lasts. */
  during<Result>(run: Promise<Result>): Promise<Result>;
  areNone(): boolean;
  /** Resolves when nothing runs, and nothing has begun to in the turn after: between two layers of a pass is no gap. */
  none(): Promise<void>;
}

function createRunCount(): RunCount {
  let count = 0;
  let ended = Promise.withResolvers<void>();
  return {
    async during(run) {
      count += 1;
      try {
        return await run;
      } finally {
        count -= 1;
        if (count === 0) {
          ended.resolve();
          ended = Promise.withResolvers();
        }
      }
    },
    areNone: () => count === 0,
    async none() {
      while (count > 0) {
        await ended.promise;
        await new Promise(setImmediate);
      }
    },
  };
}

type Ask = (order: ThreadOrder, transfer?: readonly ArrayBuffer[]) => Promise<ThreadReply>;

interface RuntimeThread {
  readonly ask: Ask;
  /** What it has been asked and not answered yet. */
  pending(): number;
  /** Takes no more requests, and ends the thread once those under way have been answered. */
  end(): Promise<void>;
}

function openThread(setup: ThreadSetup): RuntimeThread {
  const worker = new Worker(new URL("./runtime-thread.ts", import.meta.url), { workerData: setup });
  const pending = new Map<number, PromiseWithResolvers<ThreadReply>>();
  let requestCount = 0;
  let ended: Error | undefined;

  const finish = (id: number): PromiseWithResolvers<ThreadReply> | undefined => {
    const waiter = pending.get(id);
    pending.delete(id);
    // A thread that has nothing to do must not keep the process alive.
    if (pending.size === 0) worker.unref();
    return waiter;
  };
  const failAll = (error: Error): void => {
    ended ??= error;
    for (const id of [...pending.keys()]) finish(id)?.reject(error);
  };
  worker.on("message", (reply: ThreadReply) => {
    const waiter = finish(reply.id);
    if ("error" in reply) waiter?.reject(reply.error);
    else waiter?.resolve(reply);
  });
  worker.on("error", (cause) => failAll(new Error("the runtime's thread broke down", { cause })));
  worker.on("exit", (code) =>
    failAll(new Error(`the runtime's thread has ended with code ${code}`)),
  );
  worker.unref();

  const ask: Ask = async (order, transfer = []) => {
    if (ended !== undefined) throw ended;
    requestCount += 1;
    const waiter = Promise.withResolvers<ThreadReply>();
    pending.set(requestCount, waiter);
    worker.ref();
    worker.postMessage({ id: requestCount, ...order } satisfies ThreadRequest, [...transfer]);
    return await waiter.promise;
  };
  /** Native code that is cut off in the middle of a call takes the whole process with it: what is under way ends first. */
  const end = async (): Promise<void> => {
    if (ended === undefined) void ask({ kind: "close" }).catch(() => undefined);
    ended ??= new Error("the runtime has been closed");
    await Promise.allSettled([...pending.values()].map(({ promise }) => promise));
    await worker.terminate();
  };
  return { ask, pending: () => pending.size, end };
}

function remoteSession(ask: Ask, session: number, runs: RunCount): Session {
  return {
    async run(inputs, outputs, keep = {}) {
      const own = withoutSurroundings(inputs);
      const order = { kind: "run", session, inputs: own, outputs, keep } as const;
      const reply = await runs.during(ask(order));
      return reply.outputs ?? {};
    },
    async release() {
      await ask({ kind: "release", session });
    },
  };
}

/** A buffer that may change hands: the stage's own, or a copy where the stage is a part of something larger. */
function ownBuffer(stage: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = stage;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === stage.byteLength;
  return isWhole ? new Uint8Array(buffer) : Uint8Array.from(stage);
}

/** A view into a large buffer would be sent with all of it. */
function withoutSurroundings(
  inputs: Readonly<Record<string, SessionInput>>,
): Readonly<Record<string, SessionInput>> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, "shelf" in input ? input : alone(input)]),
  );
}

function alone({ shape, data }: SessionTensor): SessionTensor {
  return { shape, data: data.byteLength === data.buffer.byteLength ? data : data.slice() };
}
