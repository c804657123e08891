import type { Tensor } from "#domain/tensor.ts";
import { KeptTensors } from "./kept-tensors.ts";
import type { Ort, OrtOptions, OrtSession, Runtime, Session, SessionTensor } from "./runtime.ts";
import { externalData, giveBackAll } from "./stage-bytes.ts";

/** A runtime over one of the packages whose tensors lie in this process's memory. */
export function hostRuntime(ort: Ort, providerOptions: OrtOptions): Runtime {
  const kept = new KeptTensors();
  return {
    keepsAcrossSessions: false,
    async createSession(name, model, stage, { giveBack } = {}) {
      try {
        const session = await ort.InferenceSession.create(model, {
          ...providerOptions,
          ...sessionOptions,
          externalData: externalData(stage),
        });
        giveBackAll(stage, giveBack);
        return wrap(ort, name, session, kept);
      } catch (cause) {
        throw new Error(`the session of stage ${name} cannot be created`, { cause });
      }
    },
    clear: async (shelf) => kept.clear(shelf),
    close: async () => undefined,
  };
}

const sessionOptions: OrtOptions = {
  graphOptimizationLevel: "all",
  executionMode: "sequential",
  // An arena keeps what its largest run took, and each session has its own: measured 300 MB per 8B layer once 600 positions
  // have gone through it, 10 GB for 32 layers, against none without one at the same speed.
  enableCpuMemArena: false,
  // Errors only: it warns about every weight that it folds away, on the terminal of whoever uses us.
  logSeverityLevel: 3,
  // Each session has threads of its own, and a model is as many sessions as it has stages. Threads that spin after their
  // layer has run take cores from the next: 211 against 161 ms for an 8B q4 layer of 32 rows on two shared cores.
  extra: { session: { intra_op: { allow_spinning: "0" } } },
};

function wrap(ort: Ort, name: string, session: OrtSession, kept: KeptTensors): Session {
  return {
    async run(inputs, outputs, keep = {}) {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([key, input]) => {
          const { data, shape } = "shelf" in input ? kept.take(input) : input;
          return [key, ortTensor(ort, { shape, data })];
        }),
      );
      try {
        const results = await session.run(feeds, [...outputs, ...Object.keys(keep)]);
        for (const [output, order] of Object.entries(keep))
          kept.put(order, sessionTensor(name, output, results[output]));
        return Object.fromEntries(
          outputs.map((key) => [key, sessionTensor(name, key, results[key])]),
        );
      } catch (cause) {
        throw new Error(`stage ${name} failed to run`, { cause });
      }
    },
    release: () => session.release(),
  };
}

/** Wraps numbers as the package wants them, without a copy. */
export function ortTensor(ort: Ort, { shape, data }: SessionTensor | Tensor): OrtTensor {
  return data instanceof Int32Array
    ? new ort.Tensor("int32", data, shape)
    : new ort.Tensor("float32", data, shape);
}

type OrtTensor = InstanceType<Ort["Tensor"]>;

/** Reads a result. Throws an Error that names the stage where it is of another type, or not there. */
export function sessionTensor(
  name: string,
  output: string,
  result: Awaited<ReturnType<OrtSession["run"]>>[string] | undefined,
): SessionTensor {
  const data = result?.data;
  if (result === undefined || !(data instanceof Float32Array || data instanceof Int32Array)) {
    throw new Error(`stage ${name} yields no float32 or int32 numbers as ${output}`);
  }
  return { shape: result.dims, data };
}
