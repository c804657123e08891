import {
  type Arguments,
  type ArgumentTypes,
  clearFunctions,
  type HandleKind,
  ORT_API_VERSION,
  type Pointer,
  releaseFunctions,
  type Slot,
  type StatusFunction,
  statusFunctions,
  statusReaders,
  TABLE_LENGTH,
} from "./function-table.ts";
import { type Koffi, loadKoffi, openLibrary } from "./koffi.ts";
import { OrtError } from "./ort-status.ts";

type Given<Name extends StatusFunction> = Arguments<(typeof statusFunctions)[Name]>;

/** Arguments before the last one, which is where the function writes an address. */
type BeforeSlot<Name extends StatusFunction> =
  Given<Name> extends readonly [...infer First, Slot<Pointer>] ? First : never;

/** ONNX Runtime's C API: typed calls that throw `OrtError`, and a count of what has to be let go of. */
export interface OrtApi {
  /** As the library says it: "1.30.0". */
  readonly version: string;
  call<Name extends StatusFunction>(name: Name, ...given: Given<Name>): void;
  /** Calls a function that makes something, and counts it as alive until it is let go of. */
  create<Name extends StatusFunction>(
    kind: HandleKind,
    name: Name,
    ...given: BeforeSlot<Name>
  ): Pointer;
  /** Calls a function that tells an address of what somebody else owns. */
  addressBy<Name extends StatusFunction>(name: Name, ...given: BeforeSlot<Name>): Pointer;
  /** Counts handles that did not come one by one. */
  adopt(kind: HandleKind, count: number): void;
  release(kind: HandleKind, pointer: Pointer): void;
  /** Lets a binding forget what is bound to it. */
  clearBinding(binding: Pointer): void;
  readonly memory: CMemory;
  /** How many of each kind have been made and not let go of. */
  live(): Readonly<Partial<Record<HandleKind, number>>>;
}

/** Memory beside JavaScript's: where its own lies, and copies out of what C owns. */
export interface CMemory {
  /** Where a view's bytes lie; 0 for one of no length. They stay there as long as the view is held by somebody. */
  addressOf(view: ArrayBufferView): Pointer;
  /** Text that ends with a zero byte. */
  text(pointer: Pointer): string;
  pointers(pointer: Pointer, count: number): readonly Pointer[];
  floats(pointer: Pointer, count: number): Float32Array<ArrayBuffer>;
  integers(pointer: Pointer, count: number): Int32Array<ArrayBuffer>;
}

type NativeFunction = (...given: readonly unknown[]) => unknown;
type Find = (place: number, result: string, kinds: readonly Kind[]) => NativeFunction;
type Kind = keyof ArgumentTypes;

/**
 * Opens ONNX Runtime at a path, through the optional package koffi. Throws an Error that says what is missing. A path is opened
 * once in a process; that is the operating system's doing.
 */
export async function openOrtApi(libraryPath: string): Promise<OrtApi> {
  const koffi = await loadKoffi();
  const base: unknown = openLibrary(koffi, libraryPath).func("OrtGetApiBase", "void *", [])();
  // struct OrtApiBase { const OrtApi *(*GetApi)(uint32_t); const char *(*GetVersionString)(void); }
  const [getApi, getVersion]: readonly unknown[] = koffi.decode(base, koffi.array("void *", 2));
  const version: string = koffi.call(getVersion, koffi.proto("str", []));
  const table: unknown = koffi.call(getApi, koffi.proto("void *", ["uint32_t"]), ORT_API_VERSION);
  if (table === null) {
    throw new Error(
      `${libraryPath} is ONNX Runtime ${version}, which lacks version ${ORT_API_VERSION} of the C API`,
    );
  }
  const places: readonly unknown[] = koffi.decode(table, koffi.array("void *", TABLE_LENGTH));
  const types = argumentTypes(koffi);
  return bind(version, memoryThrough(koffi), (place, result, kinds) =>
    koffi.decode(
      places[place],
      koffi.proto(
        result,
        kinds.map((kind) => types[kind]),
      ),
    ),
  );
}

/** Opens libraries, in their order, for those that need them by name, until the process ends. */
export async function loadLibraries(paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const koffi = await loadKoffi();
  for (const libraryPath of paths) openLibrary(koffi, libraryPath);
}

type KoffiType = string | ReturnType<Koffi["pointer"]> | ReturnType<Koffi["out"]>;

function argumentTypes(koffi: Koffi): Readonly<Record<Kind, KoffiType>> {
  return {
    pointer: "void *",
    text: "str",
    int: "int",
    size: "size_t",
    texts: koffi.pointer("str"),
    pointers: koffi.pointer("void *"),
    sizes: koffi.pointer("size_t"),
    pointerOut: koffi.out(koffi.pointer("void *")),
    sizeOut: koffi.out(koffi.pointer("size_t")),
    intOut: koffi.out(koffi.pointer("int")),
  };
}

function memoryThrough(koffi: Koffi): CMemory {
  return {
    addressOf: (view) => koffi.address(view),
    text: (pointer) => koffi.decode.string(pointer),
    pointers: (pointer, count) => koffi.decode(pointer, koffi.array("void *", count)),
    floats: (pointer, count) => koffi.decode(pointer, "float", count),
    integers: (pointer, count) => koffi.decode(pointer, "int32_t", count),
  };
}

function bind(version: string, memory: CMemory, find: Find): OrtApi {
  const errorCode = find(statusReaders.GetErrorCode, "int", ["pointer"]);
  const errorMessage = find(statusReaders.GetErrorMessage, "str", ["pointer"]);
  const clears = Object.values(clearFunctions).map((place) => find(place, "void", ["pointer"]));
  const releases = mapValues(releaseFunctions, (place) => find(place, "void", ["pointer"]));
  const functions = mapValues(statusFunctions, ([place, ...kinds]) => find(place, "void *", kinds));
  const alive = new Map<HandleKind, number>();
  const count = (kind: HandleKind, change: number): void => {
    alive.set(kind, (alive.get(kind) ?? 0) + change);
  };
  const call = (name: StatusFunction, given: readonly unknown[]): void => {
    const status = functions[name](...given);
    if (status === null) return;
    const error = new OrtError(name, Number(errorCode(status)), String(errorMessage(status)));
    releases.Status(status);
    throw error;
  };
  const addressBy = (name: StatusFunction, given: readonly unknown[]): Pointer => {
    const slot: Slot<Pointer> = [null];
    call(name, [...given, slot]);
    if (slot[0] === null) throw new Error(`${name} succeeded and yielded nothing`);
    return slot[0];
  };
  return {
    version,
    memory,
    call: (name, ...given) => call(name, given),
    addressBy: (name, ...given) => addressBy(name, given),
    create(kind, name, ...given) {
      const made = addressBy(name, given);
      count(kind, 1);
      return made;
    },
    adopt: count,
    release(kind, pointer) {
      releases[kind](pointer);
      count(kind, -1);
    },
    clearBinding(binding) {
      for (const clear of clears) clear(binding);
    },
    live: () => Object.fromEntries([...alive].filter(([, number]) => number !== 0)),
  };
}

function mapValues<Key extends string, From, To>(
  record: Readonly<Record<Key, From>>,
  map: (value: From) => To,
): Readonly<Record<Key, To>> {
  const entries = Object.entries<From>(record).map(([key, value]) => [key, map(value)]);
  return Object.fromEntries(entries);
}
