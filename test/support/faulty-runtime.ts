import { registerHooks } from "node:module";

// Loaded before a function by `--import`: its runtime goes wrong as UNMASK_TEST_FAULT says, on the threads that it starts too.
//   {"at": "create" | "run", "after": how many go well, "text": what it then says} or "SIGSEGV" in place of the text: as native code ends its process

const fault: { at: "create" | "run"; after: number; text: string } = JSON.parse(
  process.env["UNMASK_TEST_FAULT"] ?? "{}",
);

const source = `
import * as real from "REAL";
const ort = real.default ?? real;
const fault = ${JSON.stringify(fault)};
let count = 0;
function happen(at) {
  if (at !== fault.at || count++ < fault.after) return;
  if (fault.text === "SIGSEGV") process.kill(process.pid, fault.text);
  throw new Error(fault.text);
}
export const Tensor = ort.Tensor;
export const env = ort.env;
export const InferenceSession = {
  async create(...args) {
    happen("create");
    const session = await ort.InferenceSession.create(...args);
    return {
      run: async (...feeds) => { happen("run"); return await session.run(...feeds); },
      release: () => session.release(),
      get inputNames() { return session.inputNames; },
      get outputNames() { return session.outputNames; },
    };
  },
};
`;

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const isDouble = context.parentURL?.startsWith("double:") === true;
    const isImported = context.conditions.includes("import");
    if (specifier !== "onnxruntime-node" || isDouble || !isImported) return resolved;
    return { ...resolved, url: `double:${resolved.url}`, format: "module", shortCircuit: true };
  },
  load(url, context, next) {
    if (!url.startsWith("double:")) return next(url, context);
    const real = url.slice("double:".length);
    return { format: "module", source: source.replace("REAL", real), shortCircuit: true };
  },
});
