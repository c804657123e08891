/**
 * The version of the C API that this binding was written against: ONNX Runtime 1.30 offers 1 to 30, and every later one offers it
 * still. Source: onnxruntime_c_api.h, ORT_API_VERSION.
 */
export const ORT_API_VERSION = 30;

/** An address outside of JavaScript's memory. */
export type Pointer = bigint;

/** Where a C function writes what it made. */
export type Slot<Content> = [Content | null];

/** What each kind of argument is in JavaScript. */
export interface ArgumentTypes {
  readonly pointer: Pointer | null;
  readonly text: string;
  readonly int: number;
  readonly size: number;
  readonly texts: readonly string[];
  readonly pointers: readonly Pointer[];
  readonly sizes: readonly number[];
  readonly pointerOut: Slot<Pointer>;
  readonly sizeOut: Slot<number>;
  readonly intOut: Slot<number>;
}

/** The arguments of a signature. */
export type Arguments<Kinds> = Kinds extends readonly [number, ...infer Rest]
  ? { [Index in keyof Rest]: ArgumentTypes[Rest[Index] & keyof ArgumentTypes] }
  : never;

/**
 * The functions used, by their places in `struct OrtApi`. The table is only ever appended to ("NO REORDERING" in the header),
 * so a place holds for all versions from the one that brought the function. Each of them returns an `OrtStatus *`, null for success.
 * Source: include/onnxruntime/core/session/onnxruntime_c_api.h of 1.30.0, counted from `CreateStatus` = 0; `test/inference/engine/c-api`
 * calls every one of them that runs without a GPU.
 */
export const statusFunctions = {
  CreateEnv: [3, "int", "text", "pointerOut"],
  CreateSessionFromArray: [8, "pointer", "pointer", "size", "pointer", "pointerOut"],
  CreateSessionOptions: [10, "pointerOut"],
  SetSessionExecutionMode: [13, "pointer", "int"],
  DisableCpuMemArena: [19, "pointer"],
  SetSessionLogSeverityLevel: [22, "pointer", "int"],
  SetSessionGraphOptimizationLevel: [23, "pointer", "int"],
  SetIntraOpNumThreads: [24, "pointer", "int"],
  SessionGetInputCount: [30, "pointer", "sizeOut"],
  SessionGetOutputCount: [31, "pointer", "sizeOut"],
  SessionGetInputName: [36, "pointer", "size", "pointer", "pointerOut"],
  SessionGetOutputName: [37, "pointer", "size", "pointer", "pointerOut"],
  CreateTensorWithDataAsOrtValue: [
    49,
    "pointer",
    "pointer",
    "size",
    "pointer",
    "size",
    "int",
    "pointerOut",
  ],
  GetTensorMutableData: [51, "pointer", "pointerOut"],
  GetTensorElementType: [60, "pointer", "intOut"],
  GetDimensionsCount: [61, "pointer", "sizeOut"],
  GetDimensions: [62, "pointer", "pointer", "size"],
  GetTensorTypeAndShape: [65, "pointer", "pointerOut"],
  CreateMemoryInfo: [68, "text", "int", "int", "int", "pointerOut"],
  AllocatorFree: [76, "pointer", "pointer"],
  GetAllocatorWithDefaultOptions: [78, "pointerOut"],
  AddSessionConfigEntry: [130, "pointer", "text", "text"],
  RunWithBinding: [133, "pointer", "pointer", "pointer"],
  CreateIoBinding: [134, "pointer", "pointerOut"],
  BindInput: [136, "pointer", "text", "pointer"],
  BindOutputToDevice: [138, "pointer", "text", "pointer"],
  GetBoundOutputValues: [140, "pointer", "pointer", "pointerOut", "sizeOut"],
  CreateArenaCfgV2: [164, "texts", "sizes", "size", "pointerOut"],
  AppendExecutionProviderCuda: [204, "pointer", "pointer"],
  CreateCudaProviderOptions: [205, "pointerOut"],
  UpdateCudaProviderOptions: [206, "pointer", "texts", "texts", "size"],
  CreateAndRegisterAllocatorV2: [
    259,
    "pointer",
    "text",
    "pointer",
    "pointer",
    "texts",
    "texts",
    "size",
  ],
  AddExternalInitializersFromFilesInMemory: [279, "pointer", "texts", "pointers", "sizes", "size"],
} as const;

export type StatusFunction = keyof typeof statusFunctions;

/** The functions that let go of what the others made, by what it is; they take a null pointer too and return nothing. */
export const releaseFunctions = {
  Env: 92,
  Status: 93,
  MemoryInfo: 94,
  Session: 95,
  Value: 96,
  TensorTypeAndShapeInfo: 99,
  SessionOptions: 100,
  IoBinding: 135,
  ArenaCfg: 157,
  CudaProviderOptions: 208,
} as const;

/** What has to be let go of. */
export type HandleKind = keyof typeof releaseFunctions;

/** The two that read a status. */
export const statusReaders = { GetErrorCode: 1, GetErrorMessage: 2 } as const;

/** They return nothing and take two pointers. */
export const clearFunctions = { ClearBoundInputs: 141, ClearBoundOutputs: 142 } as const;

/** One more than the last place used. */
export const TABLE_LENGTH = 280;
