import type { Pointer, Slot } from "./function-table.ts";
import type { OrtApi } from "./ort-api.ts";

/** A session of the C API with a binding of its own: values go in by name and come out by name, wherever they lie. */
export interface RawSession {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Runs once, on the thread that calls, and returns the values asked for, in their order; they are the caller's to release. Each is
   * left in the memory that is named beside it. Those that go in stay the caller's and are not needed afterwards.
   */
  run(
    feeds: readonly (readonly [name: string, value: Pointer])[],
    fetches: readonly (readonly [name: string, memory: Pointer])[],
  ): readonly Pointer[];
  release(): void;
}

/** Makes a session of a model's bytes. `allocator` is the runtime's own, for what it writes. */
export function createRawSession(
  api: OrtApi,
  environment: Pointer,
  model: Uint8Array,
  options: Pointer,
): RawSession {
  const at = api.memory.addressOf(model);
  const bytes = model.byteLength;
  const session = api.create("Session", "CreateSessionFromArray", environment, at, bytes, options);
  const allocator = api.addressBy("GetAllocatorWithDefaultOptions");
  const binding = api.create("IoBinding", "CreateIoBinding", session);
  return {
    inputs: names(api, session, allocator, "Input"),
    outputs: names(api, session, allocator, "Output"),
    run(feeds, fetches) {
      try {
        for (const [name, value] of feeds) api.call("BindInput", binding, name, value);
        for (const [name, memory] of fetches) api.call("BindOutputToDevice", binding, name, memory);
        api.call("RunWithBinding", session, null, binding);
        return boundOutputs(api, binding, allocator);
      } finally {
        api.clearBinding(binding);
      }
    },
    release() {
      api.release("IoBinding", binding);
      api.release("Session", session);
    },
  };
}

/** What a run has left in a binding, in the order in which the outputs were bound. */
function boundOutputs(api: OrtApi, binding: Pointer, allocator: Pointer): readonly Pointer[] {
  const list: Slot<Pointer> = [null];
  const count: Slot<number> = [null];
  api.call("GetBoundOutputValues", binding, allocator, list, count);
  if (list[0] === null || count[0] === null) return [];
  const values = api.memory.pointers(list[0], count[0]);
  api.adopt("Value", values.length);
  api.call("AllocatorFree", allocator, list[0]);
  return values;
}

function names(
  api: OrtApi,
  session: Pointer,
  allocator: Pointer,
  side: "Input" | "Output",
): readonly string[] {
  const count: Slot<number> = [null];
  api.call(`SessionGet${side}Count`, session, count);
  return Array.from({ length: count[0] ?? 0 }, (_, index) => {
    const at = api.addressBy(`SessionGet${side}Name`, session, index, allocator);
    const name = api.memory.text(at);
    api.call("AllocatorFree", allocator, at);
    return name;
  });
}
