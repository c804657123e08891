import { ortTensor, sessionTensor } from "./host-runtime.ts";
import type { KeepOrder, KeptName } from "./kept-tensors.ts";
import type { Ort, OrtOptions, OrtSession, Runtime, Session, SessionInput } from "./runtime.ts";
import { externalData, giveBackAll } from "./stage-bytes.ts";

type DeviceTensor = Awaited<ReturnType<OrtSession["run"]>>[string];

/**
 * A runtime over one of the packages whose tensors can stay with a WebGPU device: `onnxruntime-node`, or `onnxruntime-web/webgpu` in a
 * browser. What is kept is a buffer of the device, never read here; it is freed when another takes its name, when its shelf is
 * cleared, and before the sessions are: a buffer that outlives the session it came from ends the process.
 */
export function deviceRuntime(ort: Ort): Runtime {
  const kept = new DeviceTensors();
  const inOrder = createOrder();
  return {
    keepsAcrossSessions: true,
    async createSession(name, model, stage, { giveBack, staying = [] } = {}) {
      try {
        const session = await ort.InferenceSession.create(model, {
          ...sessionOptions,
          preferredOutputLocation: Object.fromEntries(
            staying.map((output) => [output, "gpu-buffer"] as const),
          ),
          externalData: externalData(stage),
        });
        giveBackAll(stage, giveBack);
        return wrap(ort, name, session, { kept, inOrder });
      } catch (cause) {
        throw new Error(`the session of stage ${name} cannot be created`, { cause });
      }
    },
    clear: (shelf) => inOrder(async () => kept.clear(shelf)),
    close: async () => undefined,
  };
}

const sessionOptions: OrtOptions = {
  executionProviders: ["webgpu"],
  graphOptimizationLevel: "all",
  executionMode: "sequential",
  enableCpuMemArena: false,
  // Errors only: it warns about every weight that it folds away, on the terminal of whoever uses us.
  logSeverityLevel: 3,
  extra: {
    session: {
      // What the device cannot do would silently wait for the processor, and the processor for it, at every layer.
      disable_cpu_ep_fallback: "1",
      intra_op: { allow_spinning: "0" },
    },
  },
};

/** A buffer of the device, and the session whose memory it is. */
interface Held {
  readonly tensor: DeviceTensor;
  readonly owner: OrtSession;
}

/** What runs have left with the device, by shelf and name. */
class DeviceTensors {
  readonly #shelves = new Map<number, Map<string, Held>>();

  take({ shelf, name }: KeptName): DeviceTensor {
    const found = this.#shelves.get(shelf)?.get(name);
    if (found === undefined) throw new Error(`nothing is kept as ${name} on shelf ${shelf}`);
    return found.tensor;
  }

  put({ shelf, name }: KeepOrder, held: Held): void {
    const shelved = this.#shelves.get(shelf) ?? new Map<string, Held>();
    this.#shelves.set(shelf, shelved);
    shelved.get(name)?.tensor.dispose();
    shelved.set(name, held);
  }

  clear(shelf: number): void {
    for (const { tensor } of this.#shelves.get(shelf)?.values() ?? []) tensor.dispose();
    this.#shelves.delete(shelf);
  }

  /** Frees what a session has left, wherever it lies. */
  freeOf(owner: OrtSession): void {
    for (const shelved of this.#shelves.values()) {
      for (const [name, held] of shelved) {
        if (held.owner !== owner) continue;
        held.tensor.dispose();
        shelved.delete(name);
      }
    }
  }
}

/** Lets one piece of work begin when the one before has ended, well or not. */
type InOrder = <Result>(work: () => Promise<Result>) => Promise<Result>;

function createOrder(): InOrder {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

function wrap(
  ort: Ort,
  name: string,
  session: OrtSession,
  { kept, inOrder }: { readonly kept: DeviceTensors; readonly inOrder: InOrder },
): Session {
  const feed = (input: SessionInput): DeviceTensor => {
    if ("shelf" in input) return kept.take(input);
    // ONNX Runtime 1.30.0 ends the process with a segmentation fault over one, at least as a context.
    if (input.data.length === 0) throw new RangeError("a device is given a tensor of length 0");
    return ortTensor(ort, input);
  };
  const run: Session["run"] = async (inputs, outputs, keep = {}) => {
    try {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([key, input]) => [key, feed(input)]),
      );
      // All outputs at every run: onnxruntime-node 1.30.0 never unbinds one, and fails where the next run asks for others.
      const results = await session.run(feeds, session.outputNames);
      for (const [output, order] of Object.entries(keep)) {
        const tensor = results[output];
        if (tensor === undefined) throw new Error(`stage ${name} yields no ${output}`);
        kept.put(order, { tensor, owner: session });
      }
      for (const [output, tensor] of Object.entries(results)) {
        if (keep[output] === undefined && tensor.location === "gpu-buffer") tensor.dispose();
      }
      return Object.fromEntries(
        outputs.map((key) => [key, sessionTensor(name, key, results[key])]),
      );
    } catch (cause) {
      throw new Error(`stage ${name} failed to run`, { cause });
    }
  };
  return {
    run: (...asked) => inOrder(() => run(...asked)),
    release: () =>
      inOrder(async () => {
        kept.freeOf(session);
        await session.release();
      }),
  };
}
